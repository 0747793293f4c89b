// expression.cpp: each part of the tree comes back with its kind of values, so that an operator can tell whether both
// databases mean the same by it.
#include "ddl/mysql/expression.hpp"

#include "ddl/name_place.hpp"
#include "ddl/tree.hpp"
#include "dialect/mysql/forms.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/mysql/values.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::ddl::mysql {
namespace {

using dialect::mysql::Form;
using dialect::mysql::quote_identifier;
using dialect::mysql::quote_literal;
using dialect::mysql::Unfit;
using dialect::mysql::ValueError;
using dialect::mysql::ValueWriter;
using pg_query::Node;

/// Kinds of values that both databases compare alike.
enum class Kind {
    null, ///< NULL: goes with all
    number,
    text,
    padded, ///< char(n): PostgreSQL matches its patterns against the padded value
    boolean,
    moment, ///< date, timestamp, time
    label,  ///< of an enum
};

struct Part {
    std::string sql;
    Kind kind = Kind::null;
    bool integer = false, floating = false; ///< of numbers
    int scale = 0;                          ///< of numbers: digits behind the point
};

/// Digits behind the point of a number's text.
int scale_of(const std::string &number) {
    const auto point = number.find('.');
    return point == std::string::npos ? 0 : static_cast<int>(number.size() - point - 1);
}

constexpr int most_scale = 30; ///< of what MySQL and MariaDB compute, which both round beyond

/// Carries the reason out of the recursion; never leaves this file.
struct NotTranslated {
    std::string reason;
};

std::optional<Kind> kind_of(const ExpressionColumn &column) {
    // A text column of the target that stands for another type under the policy `text` compares as text.
    const auto form = dialect::mysql::facts_of(column.source).form;
    const auto &target = column.target.data_type;
    const bool text = !column.target.charset.empty() && target != "enum";
    constexpr std::uint32_t int2 = 21, int4 = 23, int8 = 20, float4 = 700;
    switch (form) {
    case Form::integer:
        if (column.source.oid != int2 && column.source.oid != int4 && column.source.oid != int8) return std::nullopt;
        return Kind::number;
    case Form::floating:
        // The target's double holds 0.1 where the source's float4 holds something near it.
        if (column.source.oid == float4) return std::nullopt;
        [[fallthrough]];
    case Form::decimal: return text ? std::nullopt : std::optional(Kind::number);
    case Form::boolean: return Kind::boolean;
    case Form::character: return column.source.name == "citext" ? std::nullopt : std::optional(Kind::text);
    case Form::blank_padded: return Kind::padded;
    case Form::date:
    case Form::timestamp:
    case Form::timestamptz:
    case Form::time: return text ? std::nullopt : std::optional(Kind::moment);
    case Form::enumeration: return Kind::label;
    default: return std::nullopt;
    }
}

/// The last part of a type's name: integer comes as int4.
std::string type_name(const pg_query::TypeName &type) {
    const auto parts = strings(type.names());
    return parts.empty() ? std::string() : parts.back();
}

bool one_of(const std::string &text, std::initializer_list<const char *> list) {
    return std::ranges::any_of(list, [&](const char *item) { return text == item; });
}

/// The text of a constant; nothing for NULL and for what is none.
std::optional<std::string> constant_text(const Node &node) {
    if (!node.has_a_const() || node.a_const().isnull()) return std::nullopt;
    const auto &constant = node.a_const();
    if (constant.has_ival()) return std::to_string(constant.ival().ival());
    if (constant.has_fval()) return constant.fval().fval();
    if (constant.has_boolval()) return constant.boolval().boolval() ? "t" : "f";
    if (constant.has_sval()) return constant.sval().sval();
    return std::nullopt;
}

/// Literals that are read when they are evaluated, not when they are written.
bool is_clock_word(const std::string &text) {
    return one_of(text, {"now", "today", "tomorrow", "yesterday", "allballs"});
}

/// A literal within an expression. The servers keep an expression as text of their own making and read that again: they
/// write quotes and control characters of literals with backslashes, which mean something else under
/// NO_BACKSLASH_ESCAPES. Bytes mean the same under every sql_mode.
std::string expression_literal(const std::string &text) {
    const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '\'' && c != '"' && c != '\\'; };
    return std::ranges::all_of(text, plain)
               ? quote_literal(text)
               : fmt::format("CONVERT({} USING utf8mb4)", dialect::mysql::hex_literal(text));
}

class Translator {
  public:
    explicit Translator(const FindColumn &columns) : columns_(columns) {}

    // NOLINTNEXTLINE(misc-no-recursion)
    Part part(const Node &node) {
        if (++depth_ > 500) throw NotTranslated{"the expression is too deep"};
        auto result = part_of(node);
        --depth_;
        return result;
    }

  private:
    // NOLINTNEXTLINE(misc-no-recursion)
    Part part_of(const Node &node) {
        if (node.has_a_const()) return constant(node);
        if (node.has_column_ref()) return column(node.column_ref());
        if (node.has_type_cast()) return cast(node.type_cast());
        if (node.has_a_expr()) return operation(node.a_expr());
        if (node.has_bool_expr()) return logic(node.bool_expr());
        if (node.has_null_test()) {
            const auto &test = node.null_test();
            return {fmt::format("({} IS {}NULL)", part(test.arg()).sql,
                                test.nulltesttype() == pg_query::IS_NULL ? "" : "NOT "),
                    Kind::boolean};
        }
        if (node.has_boolean_test()) return boolean_test(node.boolean_test());
        if (node.has_coalesce_expr()) return coalesce(node.coalesce_expr());
        if (node.has_case_expr()) return case_of(node.case_expr());
        if (node.has_func_call()) return call(node.func_call());
        throw NotTranslated{"a form of expression that has no translation"};
    }

    static Part constant(const Node &node) {
        const auto &value = node.a_const();
        if (value.isnull()) return {"NULL", Kind::null};
        if (value.has_ival()) return {std::to_string(value.ival().ival()), Kind::number, true};
        if (value.has_fval()) return number(value.fval().fval(), false);
        if (value.has_boolval()) return {value.boolval().boolval() ? "TRUE" : "FALSE", Kind::boolean};
        if (value.has_sval()) return {expression_literal(value.sval().sval()), Kind::text};
        throw NotTranslated{"a bit string"};
    }

    static Part number(const std::string &text, bool floating) {
        const bool exponent = text.find_first_of("eE") != std::string::npos;
        if (exponent && !floating) throw NotTranslated{fmt::format("the number {}", text)};
        Part part{text.front() == '-' ? "(" + text + ")" : text, Kind::number,
                  !floating && text.find('.') == std::string::npos, floating, floating ? 0 : scale_of(text)};
        return limited(std::move(part));
    }

    /// A number that the target computes with all of its digits.
    static Part limited(Part part) {
        if (!part.floating && part.scale > most_scale)
            throw NotTranslated{"a number of more than 30 digits behind the point"};
        return part;
    }

    Part column(const pg_query::ColumnRef &reference) {
        if (reference.fields_size() != 1 || !reference.fields(0).has_string())
            throw NotTranslated{"a reference to a row"};
        const auto name = reference.fields(0).string().sval();
        const auto *found = columns_(name);
        if (found == nullptr) throw NotTranslated{fmt::format("column {} is not on the target", name)};
        const auto kind = kind_of(*found);
        if (!kind) throw NotTranslated{fmt::format("type {} of column {}", found->source.name, name)};
        const auto form = dialect::mysql::facts_of(found->source).form;
        return limited({quote_identifier(found->name), *kind, form == Form::integer, form == Form::floating,
                        form == Form::decimal ? found->target.scale.value_or(0) : 0});
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part cast(const pg_query::TypeCast &cast) {
        const auto type = type_name(cast.type_name());
        if (cast.type_name().array_bounds_size() != 0) throw NotTranslated{"an array"};
        if (const auto text = constant_text(cast.arg())) return typed_constant(*text, type);
        if (cast.arg().has_a_const()) return {"NULL", Kind::null};
        auto inner = part(cast.arg());
        const bool limited = cast.type_name().typmods_size() != 0;
        // char(n) as text loses its padding on the source; the target never had it.
        if (one_of(type, {"text", "varchar"}) && !limited && (inner.kind == Kind::text || inner.kind == Kind::padded)) {
            inner.kind = Kind::text;
            return inner;
        }
        if (one_of(type, {"bpchar"}) && !limited && inner.kind == Kind::padded) return inner;
        if (one_of(type, {"numeric", "int8"}) && !limited && inner.kind == Kind::number && inner.integer) {
            inner.integer = type == "int8";
            return inner;
        }
        if (one_of(type, {"int4"}) && inner.kind == Kind::number && inner.integer) return inner;
        throw NotTranslated{fmt::format("a cast to {}", type)};
    }

    static Part typed_constant(const std::string &text, const std::string &type) {
        if (one_of(type, {"text", "varchar"})) return {expression_literal(text), Kind::text};
        if (type == "bpchar") {
            const auto end = text.find_last_not_of(' ');
            return {expression_literal(text.substr(0, end == std::string::npos ? 0 : end + 1)), Kind::padded};
        }
        if (type == "bool") return {one_of(text, {"t", "true"}) ? "TRUE" : "FALSE", Kind::boolean};
        if (one_of(type, {"int2", "int4", "int8", "numeric", "float4", "float8"})) {
            if (text.empty() || text.find_first_not_of("0123456789.+-eE") != std::string::npos)
                throw NotTranslated{fmt::format("the number {}", text)};
            return number(text, type.starts_with("float"));
        }
        if (one_of(type, {"date", "timestamp", "timestamptz", "time"})) {
            if (is_clock_word(text)) throw NotTranslated{fmt::format("the time '{}'", text)};
            ColumnType target;
            target.data_type = type == "date" ? "date" : type == "time" ? "time" : "datetime";
            target.fraction = 6;
            return {quote_literal(moment(text, type, target)), Kind::moment};
        }
        if (is_known(type)) throw NotTranslated{fmt::format("a value of type {}", type)};
        return {expression_literal(text), Kind::label};
    }

    static bool is_known(const std::string &type) {
        return std::ranges::any_of(dialect::mysql::built_in_types(),
                                   [&](std::string_view name) { return name == type; });
    }

    static std::string moment(const std::string &text, const std::string &type, const ColumnType &target) {
        std::string scratch;
        try {
            const ValueWriter writer(dialect::mysql::built_in(type), target, Unfit::error);
            return std::string(*writer.write(text, scratch));
        } catch (const ValueError &error) {
            throw NotTranslated{error.reason};
        }
    }

    static void same_kind(const Part &left, const Part &right) {
        const auto texts = [](Kind a, Kind b) { return a == Kind::padded && b == Kind::text; };
        if (left.kind == right.kind || left.kind == Kind::null || right.kind == Kind::null ||
            texts(left.kind, right.kind) || texts(right.kind, left.kind))
            return;
        throw NotTranslated{"values of two types that the databases may compare otherwise"};
    }

    static void ordered(const Part &part) {
        if (part.kind != Kind::number && part.kind != Kind::moment && part.kind != Kind::null)
            throw NotTranslated{"an order of text, which depends on the source's locale"};
    }

    static void condition(const Part &part) {
        if (part.kind != Kind::boolean && part.kind != Kind::null) throw NotTranslated{"a condition of another type"};
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part comparison(const std::string &operation, const Part &left, const Part &right) {
        same_kind(left, right);
        if (operation != "=" && operation != "<>") {
            ordered(left);
            ordered(right);
        }
        return {fmt::format("({} {} {})", left.sql, operation, right.sql), Kind::boolean};
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part operation(const pg_query::A_Expr &expression) {
        const auto names = strings(expression.name());
        const auto name = names.empty() ? std::string() : names.back() == "!=" ? "<>" : names.back();
        switch (expression.kind()) {
        case pg_query::AEXPR_OP: return binary(name, expression);
        case pg_query::AEXPR_LIKE: return like(name == "!~~", part(expression.lexpr()), expression.rexpr());
        case pg_query::AEXPR_OP_ANY:
        case pg_query::AEXPR_OP_ALL: {
            const bool any = expression.kind() == pg_query::AEXPR_OP_ANY;
            if (name != (any ? "=" : "<>")) throw NotTranslated{fmt::format("operator {} with a list", name)};
            return in_list(part(expression.lexpr()), array_elements(expression.rexpr()), !any);
        }
        case pg_query::AEXPR_IN:
            return in_list(part(expression.lexpr()), expression.rexpr().list().items(), name == "<>");
        case pg_query::AEXPR_DISTINCT:
        case pg_query::AEXPR_NOT_DISTINCT: {
            const auto left = part(expression.lexpr()), right = part(expression.rexpr());
            same_kind(left, right);
            const bool distinct = expression.kind() == pg_query::AEXPR_DISTINCT;
            return {fmt::format("({}({} <=> {}))", distinct ? "NOT " : "", left.sql, right.sql), Kind::boolean};
        }
        case pg_query::AEXPR_NULLIF: {
            auto left = part(expression.lexpr());
            const auto right = part(expression.rexpr());
            same_kind(left, right);
            left.sql = fmt::format("NULLIF({}, {})", left.sql, right.sql);
            return left;
        }
        case pg_query::AEXPR_BETWEEN:
        case pg_query::AEXPR_NOT_BETWEEN: {
            const auto value = part(expression.lexpr());
            const auto &bounds = expression.rexpr().list().items();
            if (bounds.size() != 2) throw NotTranslated{"BETWEEN"};
            const auto low = part(bounds.Get(0)), high = part(bounds.Get(1));
            for (const auto *bound : {&low, &high}) {
                same_kind(value, *bound);
                ordered(*bound);
            }
            ordered(value);
            return {fmt::format("({} {}BETWEEN {} AND {})", value.sql,
                                expression.kind() == pg_query::AEXPR_BETWEEN ? "" : "NOT ", low.sql, high.sql),
                    Kind::boolean};
        }
        default: throw NotTranslated{fmt::format("operator {}", name)};
        }
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part binary(const std::string &name, const pg_query::A_Expr &expression) {
        const auto right = part(expression.rexpr());
        if (!expression.has_lexpr()) {
            if ((name == "-" || name == "+") && right.kind == Kind::number)
                return {fmt::format("({}{})", name, right.sql), Kind::number, right.integer, right.floating,
                        right.scale};
            throw NotTranslated{fmt::format("operator {}", name)};
        }
        if (name == "~~" || name == "!~~") return like(name == "!~~", part(expression.lexpr()), expression.rexpr());
        const auto left = part(expression.lexpr());
        if (one_of(name, {"=", "<>", "<", "<=", ">", ">="})) return comparison(name, left, right);
        if (one_of(name, {"+", "-", "*"}) && left.kind == Kind::number && right.kind == Kind::number)
            return limited({fmt::format("({} {} {})", left.sql, name, right.sql), Kind::number,
                            left.integer && right.integer, left.floating || right.floating,
                            name == "*" ? left.scale + right.scale : std::max(left.scale, right.scale)});
        if (name == "||" && left.kind == Kind::text && right.kind == Kind::text)
            return {fmt::format("CONCAT({}, {})", left.sql, right.sql), Kind::text};
        throw NotTranslated{fmt::format("operator {}", name)};
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part like(bool negated, const Part &value, const Node &pattern) {
        const auto *node = &pattern;
        if (node->has_type_cast()) node = &node->type_cast().arg();
        const auto text = constant_text(*node);
        if (!text || value.kind != Kind::text) throw NotTranslated{"LIKE with something other than text and a literal"};
        // Whether it escapes depends on the session's sql_mode.
        if (text->find('\\') != std::string::npos) throw NotTranslated{"LIKE with a backslash"};
        return {fmt::format("({} {}LIKE {})", value.sql, negated ? "NOT " : "", expression_literal(*text)),
                Kind::boolean};
    }

    /// ARRAY[...] below its casts.
    static const Nodes &array_elements(const Node &node) {
        const auto *at = &node;
        while (at->has_type_cast()) at = &at->type_cast().arg();
        if (!at->has_a_array_expr()) throw NotTranslated{"an array that is not written out"};
        return at->a_array_expr().elements();
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part in_list(const Part &value, const Nodes &items, bool negated) {
        if (items.empty()) throw NotTranslated{"an empty list"};
        std::string list;
        for (const auto &item : items) {
            const auto element = part(item);
            same_kind(value, element);
            list += (list.empty() ? "" : ", ") + element.sql;
        }
        return {fmt::format("({} {}IN ({}))", value.sql, negated ? "NOT " : "", list), Kind::boolean};
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part logic(const pg_query::BoolExpr &expression) {
        std::string sql;
        const bool negation = expression.boolop() == pg_query::NOT_EXPR;
        for (const auto &argument : expression.args()) {
            const auto one = part(argument);
            condition(one);
            if (!sql.empty()) sql += expression.boolop() == pg_query::AND_EXPR ? " AND " : " OR ";
            sql += one.sql;
        }
        return {negation ? fmt::format("(NOT {})", sql) : fmt::format("({})", sql), Kind::boolean};
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part boolean_test(const pg_query::BooleanTest &test) {
        const auto inner = part(test.arg());
        condition(inner);
        const char *what = nullptr;
        switch (test.booltesttype()) {
        case pg_query::IS_TRUE: what = "TRUE"; break;
        case pg_query::IS_NOT_TRUE: what = "NOT TRUE"; break;
        case pg_query::IS_FALSE: what = "FALSE"; break;
        case pg_query::IS_NOT_FALSE: what = "NOT FALSE"; break;
        case pg_query::IS_UNKNOWN: what = "UNKNOWN"; break;
        case pg_query::IS_NOT_UNKNOWN: what = "NOT UNKNOWN"; break;
        default: throw NotTranslated{"a test of a condition"};
        }
        return {fmt::format("({} IS {})", inner.sql, what), Kind::boolean};
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part coalesce(const pg_query::CoalesceExpr &expression) {
        Part result;
        std::string list;
        for (const auto &argument : expression.args()) {
            const auto one = part(argument);
            same_kind(result, one);
            if (result.kind == Kind::null) result = one;
            result.integer = result.integer && (one.integer || one.kind == Kind::null);
            result.floating = result.floating || one.floating;
            result.scale = std::max(result.scale, one.scale);
            list += (list.empty() ? "" : ", ") + one.sql;
        }
        result.sql = fmt::format("COALESCE({})", list);
        return result;
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part case_of(const pg_query::CaseExpr &expression) {
        if (expression.has_arg()) throw NotTranslated{"CASE with an operand"};
        Part result;
        std::string sql = "CASE";
        const auto add = [&](const Part &one) {
            same_kind(result, one);
            const bool first = result.kind == Kind::null;
            result.integer = first ? one.integer : result.integer && (one.integer || one.kind == Kind::null);
            result.floating = result.floating || one.floating;
            result.scale = std::max(result.scale, one.scale);
            if (first) result.kind = one.kind;
        };
        for (const auto &branch : expression.args()) {
            const auto when = part(branch.case_when().expr()), then = part(branch.case_when().result());
            condition(when);
            add(then);
            sql += fmt::format(" WHEN {} THEN {}", when.sql, then.sql);
        }
        if (expression.has_defresult()) {
            const auto other = part(expression.defresult());
            add(other);
            sql += " ELSE " + other.sql;
        }
        result.sql = "(" + sql + " END)";
        return result;
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Part call(const pg_query::FuncCall &function) {
        const auto names = strings(function.funcname());
        const auto name = names.empty() ? std::string() : names.back();
        if (names.size() > 1 && names.front() != "pg_catalog") throw NotTranslated{fmt::format("function {}", name)};
        if (function.args_size() != 1 || function.agg_star() || function.has_over() || function.agg_distinct())
            throw NotTranslated{fmt::format("function {}", name)};
        const auto argument = part(function.args(0));
        const bool text = argument.kind == Kind::text;
        if (one_of(name, {"length", "char_length", "character_length"}) && (text || argument.kind == Kind::padded))
            return {fmt::format("CHAR_LENGTH({})", argument.sql), Kind::number, true};
        if (name == "octet_length" && text) return {fmt::format("LENGTH({})", argument.sql), Kind::number, true};
        if (text && one_of(name, {"btrim", "ltrim", "rtrim"}))
            return {fmt::format("{}({})",
                                name == "btrim"   ? "TRIM"
                                : name == "ltrim" ? "LTRIM"
                                                  : "RTRIM",
                                argument.sql),
                    Kind::text};
        if (argument.kind == Kind::number && name == "abs")
            return {fmt::format("ABS({})", argument.sql), Kind::number, argument.integer, argument.floating,
                    argument.scale};
        if (argument.kind == Kind::number && one_of(name, {"floor", "ceil", "ceiling"}))
            return {fmt::format("{}({})", name == "floor" ? "FLOOR" : "CEILING", argument.sql), Kind::number,
                    argument.integer, argument.floating};
        throw NotTranslated{fmt::format("function {}", name)};
    }

    const FindColumn &columns_;
    int depth_ = 0;
};

/// The expression of "SELECT <expression>".
const Node *expression_of(const pg_query::ParseResult &tree) {
    if (tree.stmts_size() != 1 || !tree.stmts(0).stmt().has_select_stmt()) return nullptr;
    const auto &select = tree.stmts(0).stmt().select_stmt();
    if (select.target_list_size() != 1 || select.from_clause_size() != 0 || !select.target_list(0).has_res_target())
        return nullptr;
    return &select.target_list(0).res_target().val();
}

template <class Result, class Use> Result with_expression(const std::string &text, Use use) {
    pg_query::ParseResult tree;
    if (const auto problem = parse("SELECT " + text, tree)) {
        Result result;
        result.reason = *problem;
        return result;
    }
    const auto *node = expression_of(tree);
    if (node == nullptr) {
        Result result;
        result.reason = "not one expression";
        return result;
    }
    return use(*node);
}

std::string seconds(const ExpressionColumn &column) {
    const int digits = column.target.fraction.value_or(0);
    return digits == 0 ? "()" : fmt::format("({})", digits);
}

/// The present time, as the column's type takes it.
std::optional<std::string> present(const ExpressionColumn &column, bool utc) {
    if (column.target.data_type == "date") return utc ? "(UTC_DATE())" : "(CURRENT_DATE())";
    if (column.target.data_type == "time")
        return fmt::format("({}{})", utc ? "UTC_TIME" : "CURRENT_TIME", seconds(column));
    if (column.target.data_type != "datetime") return std::nullopt;
    if (utc || dialect::mysql::facts_of(column.source).form == Form::timestamptz)
        return "(UTC_TIMESTAMP" + seconds(column) + ")";
    return "CURRENT_TIMESTAMP" + seconds(column);
}

std::optional<std::string> function_default(const Node &node, const ExpressionColumn &column) {
    if (node.has_sqlvalue_function()) {
        switch (node.sqlvalue_function().op()) {
        case pg_query::SVFOP_CURRENT_DATE:
            return column.target.data_type == "date" ? present(column, false) : std::nullopt;
        case pg_query::SVFOP_CURRENT_TIMESTAMP:
        case pg_query::SVFOP_LOCALTIMESTAMP: return present(column, false);
        case pg_query::SVFOP_LOCALTIME:
            return column.target.data_type == "time" ? present(column, false) : std::nullopt;
        default: return std::nullopt;
        }
    }
    if (!node.has_func_call()) return std::nullopt;
    const auto &call = node.func_call();
    const auto names = strings(call.funcname());
    const auto name = names.empty() ? std::string() : names.back();
    if (call.args_size() == 0) {
        if (one_of(name, {"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp"}))
            return present(column, false);
        if (one_of(name, {"gen_random_uuid", "uuid_generate_v4", "uuid_generate_v1", "uuid_generate_v1mc"}))
            return "(UUID())";
    }
    // now() AT TIME ZONE 'utc'
    if (name == "timezone" && call.args_size() == 2) {
        const auto &zone = call.args(0).has_type_cast() ? call.args(0).type_cast().arg() : call.args(0);
        auto text = constant_text(zone).value_or("");
        std::ranges::transform(text, text.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        if (one_of(text, {"utc", "gmt", "etc/utc"}) && function_default(call.args(1), column))
            return present(column, true);
    }
    return std::nullopt;
}

/// The text of a default that is a literal, with or without a cast and a sign; NULL as an empty one.
struct Literal {
    std::optional<std::string> text;
};
std::optional<Literal> literal_of(const Node &node) {
    if (node.has_a_const() && node.a_const().isnull()) return Literal{};
    if (auto text = constant_text(node)) return Literal{std::move(text)};
    if (node.has_type_cast()) {
        const auto &inner = node.type_cast().arg();
        // ARRAY[]::text[]
        if (inner.has_a_array_expr() && inner.a_array_expr().elements().empty()) return Literal{"{}"};
        if (inner.has_a_const()) return literal_of(inner);
        return std::nullopt;
    }
    if (node.has_a_expr() && node.a_expr().kind() == pg_query::AEXPR_OP && !node.a_expr().has_lexpr() &&
        strings(node.a_expr().name()) == std::vector<std::string>{"-"} && node.a_expr().rexpr().has_a_const() &&
        !node.a_expr().rexpr().a_const().has_sval())
        if (const auto text = constant_text(node.a_expr().rexpr())) return Literal{"-" + *text};
    return std::nullopt;
}

} // namespace

namespace {

/// A value as the column's writer makes it; `binary`: bytes.
struct Written {
    std::optional<std::string> value; ///< nothing: NULL, by policy
    bool binary = false;
};

Written column_value(const std::string &text, const ExpressionColumn &column, Unfit policy) {
    const auto form = dialect::mysql::facts_of(column.source).form;
    // A numeric default has as many digits as somebody wrote; the source rounds it when it stores it.
    if (form == Form::decimal && policy == Unfit::error && text.find_first_of("NI") == std::string::npos)
        policy = Unfit::clamp;
    const ValueWriter writer(column.source, column.target, policy);
    std::string scratch;
    Written written;
    written.binary = writer.binary();
    if (const auto value = writer.write(text, scratch)) written.value = std::string(*value);
    return written;
}

std::string sql_literal(const Written &written, const ExpressionColumn &column) {
    if (!written.value) return "NULL";
    const auto &value = *written.value;
    if (column.target.data_type == "bit") {
        std::string bits;
        for (const char byte : value)
            for (int bit = 7; bit >= 0; --bit)
                bits += (static_cast<unsigned char>(byte) >> static_cast<unsigned>(bit)) & 1U ? '1' : '0';
        return "b'" + bits.substr(bits.size() - static_cast<std::size_t>(column.target.precision.value_or(1))) + "'";
    }
    if (written.binary) return dialect::mysql::hex_literal(value);
    switch (dialect::mysql::facts_of(column.source).form) {
    case Form::integer:
    case Form::boolean: return value;
    default: return quote_literal(value);
    }
}

} // namespace

std::string value_literal(const std::string &text, const ExpressionColumn &column) {
    return sql_literal(column_value(text, column, Unfit::error), column);
}

TranslatedDefault value_default(const std::string &text, const ExpressionColumn &column, Unfit policy) {
    TranslatedDefault result;
    try {
        const auto written = column_value(text, column, policy);
        const bool characters = column.target.data_type.ends_with("text"),
                   bytes = column.target.data_type.ends_with("blob");
        // MySQL takes an expression alone for them.
        result.sql = !written.value ? "NULL"
                     : characters   ? "(" + expression_literal(*written.value) + ")"
                     : bytes        ? "(" + sql_literal(written, column) + ")"
                                    : sql_literal(written, column);
    } catch (const ValueError &error) {
        result.reason = error.reason;
    }
    return result;
}

bool can_store(const Translated &expression, const ExpressionColumn &column) {
    using Gives = Translated::Gives;
    const auto gives = expression.gives;
    const bool text = !column.target.charset.empty() && column.target.data_type != "enum";
    switch (dialect::mysql::facts_of(column.source).form) {
    case Form::integer: return gives == Gives::integer;
    case Form::decimal: // a value that is rounded comes with a note, which LOAD DATA counts as a warning
        return !text && (gives == Gives::integer || gives == Gives::decimal) &&
               expression.scale <= column.target.scale.value_or(0);
    case Form::floating:
        return !text && column.source.name == "float8" && (gives == Gives::integer || gives == Gives::floating);
    case Form::character: return gives == Gives::text;
    case Form::boolean: return gives == Gives::boolean;
    default: return false;
    }
}

Translated translate_expression(const Node &expression, const FindColumn &columns) {
    try {
        const auto part = Translator(columns).part(expression);
        using Gives = Translated::Gives;
        const auto number = part.floating ? Gives::floating : part.integer ? Gives::integer : Gives::decimal;
        return {part.sql,
                {},
                part.kind == Kind::number    ? number
                : part.kind == Kind::text    ? Gives::text
                : part.kind == Kind::boolean ? Gives::boolean
                                             : Gives::other,
                part.scale};
    } catch (NotTranslated &error) {
        return {std::nullopt, std::move(error.reason), Translated::Gives::other, 0};
    }
}

Translated translate_expression(const std::string &expression, const FindColumn &columns) {
    return with_expression<Translated>(expression,
                                       [&](const Node &node) { return translate_expression(node, columns); });
}

TranslatedDefault translate_default(const Node &expression, const ExpressionColumn &column) {
    TranslatedDefault result;
    if (expression.has_func_call()) {
        const auto names = strings(expression.func_call().funcname());
        if (!names.empty() && names.back() == "nextval") {
            result.sequence = true;
            result.reason = "it takes its values from a sequence";
            return result;
        }
    }
    if (const auto literal = literal_of(expression)) {
        if (!literal->text) {
            result.sql = "NULL";
            return result;
        }
        if (is_clock_word(*literal->text) && dialect::mysql::facts_of(column.source).form != Form::character) {
            result.reason = fmt::format("the time '{}'", *literal->text);
            return result;
        }
        return value_default(*literal->text, column, Unfit::error);
    }
    result.sql = function_default(expression, column);
    if (!result.sql) result.reason = "the expression has no translation";
    return result;
}

TranslatedDefault translate_default(const std::string &expression, const ExpressionColumn &column) {
    return with_expression<TranslatedDefault>(expression,
                                              [&](const Node &node) { return translate_default(node, column); });
}

} // namespace walbridge::ddl::mysql
