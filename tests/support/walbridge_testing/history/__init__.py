"""The history of an application: its beginning, the steps of its migrations, the load it is under meanwhile."""
from .base import BASE, EXTENSIONS, ROLES
from .load import Load
from .migrate import migrate
from .steps import LAST, STEPS
