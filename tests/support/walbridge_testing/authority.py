"""A private certificate authority, made by openssl: certificates for servers and clients, keys with and without a passphrase."""
import subprocess
from pathlib import Path


class Authority:
    """Its folder holds ca.pem; `issue` puts NAME.pem and NAME-key.pem beside it."""

    def __init__(self, directory, name="test authority"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                      "-keyout", "ca-key.pem", "-out", "ca.pem")

    def _openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.directory, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr}")

    @property
    def certificate(self):
        return self.directory / "ca.pem"

    def issue(self, name, hosts=(), passphrase=None):
        """(certificate, key), as paths. hosts: DNS:name or IP:address, what a server is called."""
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        # OpenSSL takes the last word of x509 from a file of extensions.
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("basicConstraints=CA:FALSE\n" + (f"subjectAltName={','.join(hosts)}\n" if hosts else ""))
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "30",
                      "-extfile", str(extensions), "-out", f"{name}.pem")
        if passphrase:
            self._openssl("pkcs8", "-topk8", "-v2", "aes256", "-in", f"{name}-key.pem", "-out", f"{name}-locked.pem", "-passout", f"pass:{passphrase}")
            (self.directory / f"{name}-locked.pem").rename(self.directory / f"{name}-key.pem")
        return self.directory / f"{name}.pem", self.directory / f"{name}-key.pem"
