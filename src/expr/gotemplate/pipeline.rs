//! What is inside an action: pipelines of commands, their operands, and constants.

use super::functions;
use super::lex::Kind;
use super::node::{Command, Number, Operand, OperandKind, Pipe};
use super::parse::{Parser, Result};
use crate::expr::go_value::Quoted;
use crate::expr::unquote::unquote;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let at = self.peek_non_space().at;
        let mut pipe = Pipe { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        while self.peek_non_space().kind == Kind::Variable {
            let variable = self.next_non_space();
            let after = self.next();
            let next = if after.kind == Kind::Space { self.next_non_space() } else { after.clone() };
            let declares = matches!(next.kind, Kind::Assign | Kind::Declare);
            let comma = next.kind == Kind::Char && next.text == ",";
            if declares || comma {
                pipe.variables.push(variable.text.clone());
                self.variables.push(variable.text.clone());
            }
            if declares {
                pipe.assigns = next.kind == Kind::Assign;
                break;
            }
            if comma {
                if context == "range" && pipe.variables.len() < 2 {
                    match self.peek_non_space().kind {
                        Kind::Variable | Kind::RightDelim | Kind::RightParen => continue,
                        _ => return self.fail("range can only initialize variables"),
                    }
                }
                return self.fail(format!("too many declarations in {context}"));
            }
            if after.kind == Kind::Space {
                self.back(next);
            }
            self.back(after);
            self.back(variable);
            break;
        }
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result<()> {
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            use OperandKind::{Bool, Dot, Nil, Number, String};
            if matches!(command.operands[0].kind, Bool(_) | Dot | Nil | Number(..) | String(..)) {
                return self.fail(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command> {
        let at = self.peek_non_space().at;
        let mut operands = Vec::new();
        loop {
            self.peek_non_space();
            operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(token),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if operands.is_empty() {
            return self.fail("empty command");
        }
        Ok(Command { at, operands })
    }

    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        let mut names = Vec::new();
        let mut at = None;
        while self.peek() == Kind::Field {
            let token = self.next();
            at.get_or_insert(token.at);
            names.push(token.text[1..].to_owned());
        }
        let Some(at) = at else { return Ok(Some(operand)) };
        match &mut operand.kind {
            OperandKind::Field(known) | OperandKind::Variable(known) => {
                known.extend(names);
                operand.at = at;
            }
            OperandKind::Function(_) | OperandKind::Pipe(_) => {
                operand = Operand { at, kind: OperandKind::Chain(Box::new(operand), names) };
            }
            _ => return self.fail(format!("unexpected . after term {}", Quoted(&operand.to_string()))),
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            Kind::Identifier => {
                if functions::find(&token.text).is_none() {
                    return self.fail(format!("function {} not defined", Quoted(&token.text)));
                }
                OperandKind::Function(token.text)
            }
            Kind::Dot => OperandKind::Dot,
            Kind::Nil => OperandKind::Nil,
            Kind::Variable => {
                if !self.variables.contains(&token.text) {
                    return self.fail(format!("undefined variable {}", Quoted(&token.text)));
                }
                OperandKind::Variable(vec![token.text])
            }
            Kind::Field => OperandKind::Field(vec![token.text[1..].to_owned()]),
            Kind::Bool => OperandKind::Bool(token.text == "true"),
            Kind::Number => {
                let number = number(&token.text).or_else(|message| self.fail(message))?;
                OperandKind::Number(token.text, number)
            }
            Kind::CharConstant => {
                let text = self.unquoted(&token.text)?;
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(c), None) => OperandKind::Number(token.text, Number::Int(i64::from(u32::from(c)))),
                    _ => return self.fail(format!("malformed character constant: {}", token.text)),
                }
            }
            Kind::LeftParen => {
                let pipe = self.deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                OperandKind::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                let text = self.unquoted(&token.text)?;
                OperandKind::String(token.text, text)
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: token.at, kind }))
    }

    pub(super) fn unquoted(&self, literal: &str) -> Result<String> {
        if let Some(raw) = literal.strip_prefix('`').and_then(|raw| raw.strip_suffix('`')) {
            return Ok(raw.replace('\r', ""));
        }
        match unquote(literal) {
            Some(text) => Ok(text),
            None => self.fail("invalid syntax"),
        }
    }
}

/// Reads a constant: decimal, hexadecimal, octal or binary, with underscores between digits.
fn number(text: &str) -> Result<Number, String> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (&text[..1], digits),
        None => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefixed = prefixes.iter().find_map(|(prefix, radix)| Some((lower.strip_prefix(prefix)?, *radix)));
    let (body, radix) = match prefixed {
        Some(found) => found,
        // A leading zero means octal, as in C.
        None if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8),
        None => (lower.as_str(), 10),
    };
    let plain = body.replace('_', "");
    // They stand between digits, or between the prefix and a digit.
    let misplaced = body.ends_with('_') || body.contains("__") || (radix == 10 && body.starts_with('_'));
    if !misplaced && plain.chars().all(|c| c.is_digit(radix)) && !plain.is_empty() {
        if let Ok(int) = i64::from_str_radix(&format!("{sign}{plain}"), radix) {
            return Ok(Number::Int(int));
        }
        if sign.is_empty() && u64::from_str_radix(&plain, radix).is_ok() {
            return Ok(Number::Uint);
        }
    }
    let decimal = radix == 10 || prefixed.is_none();
    let float = text.replace('_', "").parse::<f64>().ok().filter(|float| float.is_finite());
    match float.filter(|_| decimal && !misplaced) {
        // One that is whole is an integer where one is wanted, but here nothing asks for one.
        Some(float) if text.contains(['.', 'e', 'E', 'p', 'P']) => Ok(Number::Float(float)),
        Some(_) => Err(format!("integer overflow: {}", Quoted(text))),
        None => Err(format!("illegal number syntax: {}", Quoted(text))),
    }
}
