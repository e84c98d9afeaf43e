//! The placeholders of a text, read from its syntax tree. Only three shapes exist; all else is refused before it runs.

use std::collections::BTreeMap;

use minijinja::machinery::{ast, parse};
use minijinja::syntax::SyntaxConfig;

/// One `{{ .. }}` of a text.
pub(super) struct Placeholder<'a> {
    /// The variable that is inserted.
    pub variable: &'a str,
    /// Whether it is written by the filter `number`.
    pub is_number: bool,
    /// The forms of `plural`, by name, when it is one.
    pub forms: Option<BTreeMap<&'a str, String>>,
}

/// Why a text cannot be a template.
#[derive(Debug)]
pub(super) struct Problem {
    pub reason: &'static str,
    pub description: String,
}

impl Problem {
    fn at(line: u16, reason: &'static str, what: impl AsRef<str>) -> Self {
        Self { reason, description: format!("line {line}: {}", what.as_ref()) }
    }
}

/// Reads every placeholder of a text, and everything in it that may not be there.
pub(super) fn placeholders(text: &str) -> (Vec<Placeholder<'_>>, Vec<Problem>) {
    // The engine is built without includes, imports and macros, for which the parser would report a mere syntax error.
    if let Some(line) = text.lines().position(|line| line.contains("{%")) {
        let what = "a template inserts variables; statements such as include, import, macro, if or for are not allowed";
        return (Vec::new(), vec![Problem::at(u16::try_from(line + 1).unwrap_or(u16::MAX), "UNSAFE_CONSTRUCT", what)]);
    }
    let template = match parse(text, "text", SyntaxConfig::default()) {
        Ok(ast::Stmt::Template(template)) => template,
        Ok(_) => return (Vec::new(), vec![Problem::at(1, "SYNTAX_ERROR", "not a template")]),
        Err(error) => {
            let line = u16::try_from(error.line().unwrap_or(1)).unwrap_or(u16::MAX);
            let what = error.detail().unwrap_or("cannot be read");
            return (Vec::new(), vec![Problem::at(line, "SYNTAX_ERROR", what)]);
        }
    };
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for statement in &template.children {
        match statement {
            ast::Stmt::EmitRaw(_) => {}
            ast::Stmt::EmitExpr(emit) => match placeholder(&emit.expr) {
                Ok(placeholder) => found.push(placeholder),
                Err(problem) => problems.push(problem),
            },
            _ => problems.push(Problem::at(1, "UNSAFE_CONSTRUCT", "only variables may be inserted")),
        }
    }
    (found, problems)
}

fn placeholder<'a>(expression: &ast::Expr<'a>) -> Result<Placeholder<'a>, Problem> {
    let line = expression.span().start_line;
    match expression {
        ast::Expr::Var(variable) => Ok(Placeholder { variable: variable.id, is_number: false, forms: None }),
        ast::Expr::Filter(filter) => match (filter.name, &filter.expr) {
            ("safe", _) => Err(Problem::at(line, "UNSAFE_CONSTRUCT", "`safe` is not allowed: everything is escaped")),
            ("number", Some(ast::Expr::Var(variable))) if filter.args.is_empty() => {
                Ok(Placeholder { variable: variable.id, is_number: true, forms: None })
            }
            ("plural", Some(ast::Expr::Var(variable))) => {
                let forms = Some(forms(&filter.args, line)?);
                Ok(Placeholder { variable: variable.id, is_number: false, forms })
            }
            ("number" | "plural", _) => Err(not_allowed(line)),
            (unknown, _) => Err(Problem::at(line, "UNKNOWN_FILTER", format!("the filter `{unknown}` is unknown"))),
        },
        ast::Expr::Call(call) => match (&call.expr, call.args.split_first()) {
            (ast::Expr::Var(function), Some((ast::CallArg::Pos(ast::Expr::Var(variable)), rest)))
                if function.id == "plural" =>
            {
                Ok(Placeholder { variable: variable.id, is_number: false, forms: Some(forms(rest, line)?) })
            }
            (ast::Expr::Var(function), _) if function.id != "plural" => {
                let what = format!("the function `{}` is unknown", function.id);
                Err(Problem::at(line, "UNKNOWN_FUNCTION", what))
            }
            _ => Err(not_allowed(line)),
        },
        _ => Err(not_allowed(line)),
    }
}

fn forms<'a>(arguments: &[ast::CallArg<'a>], line: u16) -> Result<BTreeMap<&'a str, String>, Problem> {
    let mut forms = BTreeMap::new();
    for argument in arguments {
        let ast::CallArg::Kwarg(form, ast::Expr::Const(text)) = argument else {
            return Err(Problem::at(line, "EXPRESSION_NOT_ALLOWED", "a plural form is a name and a text in quotes"));
        };
        let Some(text) = text.value.as_str() else {
            return Err(Problem::at(line, "EXPRESSION_NOT_ALLOWED", "a plural form is a text in quotes"));
        };
        forms.insert(*form, text.to_owned());
    }
    Ok(forms)
}

fn not_allowed(line: u16) -> Problem {
    let what = "only a variable, `variable | number` and `variable | plural(..)` may stand between the braces";
    Problem::at(line, "EXPRESSION_NOT_ALLOWED", what)
}
