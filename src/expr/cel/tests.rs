//! Tables of expressions: what they give, and what is wrong with them.

use super::*;
use std::collections::BTreeMap;

fn object() -> (Type, Val) {
    let fields = [
        ("name".to_owned(), Type::String),
        ("n".to_owned(), Type::Int),
        ("list".to_owned(), Type::list(Type::Int)),
        ("map".to_owned(), Type::map(Type::String, Type::Int)),
        ("gone".to_owned(), Type::String),
        ("any".to_owned(), Type::Dyn),
    ];
    let ty = Type::object("self", fields.into());
    let key = |text: &str| Key::String(text.into());
    let values = BTreeMap::from([
        (key("name"), "foo".into()),
        (key("n"), Val::Int(3)),
        (key("list"), Val::list(vec![Val::Int(1), Val::Int(2), Val::Int(3)])),
        (key("map"), Val::map(BTreeMap::from([(key("a"), Val::Int(1))]))),
        (key("any"), "x".into()),
    ]);
    (ty, Val::map(values))
}

fn eval(text: &str) -> Result<Val, String> {
    let (ty, value) = object();
    let program = Program::compile(text, &[("self", ty)])?;
    let mut budget = 100_000;
    program.eval(&Variables::default().with("self", value), &mut budget).map_err(|failure| failure.to_string())
}

#[test]
fn expressions_hold() {
    for text in [
        "true && !false || false",
        "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 7 / 2 == 3 && 7 % 4 == 3 && -5 / 2 == -2",
        "1u + 2u == 3u && 1.5 + 1.5 == 3.0 && dyn(1) == 1.0 && 2 < 2.5 && 0x10 == 16",
        r#""a" + 'b' == "ab" && "é".size() == 1 && size("abc") == 3 && r'\d' == "\\d" && """x"y""" == 'x"y'"#,
        "self.n == 3 && self.name.startsWith('f') && self.name.matches('^f[o]+$') && !self.name.contains('x')",
        "has(self.name) && !has(self.gone) && has(self.map.a) && !has(self.map.b)",
        "self.list.all(x, x > 0) && self.list.exists(x, x == 2) && self.list.exists_one(x, x == 3)",
        "self.list.map(x, x * 2) == [2, 4, 6] && self.list.filter(x, x > 1) == [2, 3] && self.list.map(x, x > 1, x) == [2, 3]",
        "self.map.all(k, self.map[k] == 1) && 'a' in self.map && 2 in self.list && !(9 in self.list)",
        "self.list.all(i, v, v == i + 1) && self.list.transformList(i, v, i * v) == [0, 2, 6]",
        "self.map.transformMap(k, v, v + 1) == {'a': 2} && {'a': 1}.transformMapEntry(k, v, {string(v): k}) == {'1': 'a'}",
        "self.list[0] == 1 && self.map['a'] == 1 && {'k': [1]}.k[0] == 1",
        // What one side settles the other cannot spoil.
        "self.n == 3 || self.list[9] == 1",
        "self.list[9] == 1 || self.n == 3",
        "!(self.list[9] == 1 && self.n == 4)",
        "self.n > 2 ? true : self.list[9] == 1",
        "int('3') == 3 && string(3) == '3' && double('1.5') == 1.5 && uint(3) == 3u && string(1.0) == '1' && bool('true')",
        "type(1) == int && type('a') == string && type([]) == list",
        "duration('1h30m').getMinutes() == 90 && duration('1h') + duration('30m') == duration('90m')",
        "timestamp('2024-02-29T12:30:45.5Z').getFullYear() == 2024 && timestamp('2024-02-29T12:30:45Z').getMonth() == 1",
        "timestamp('2024-02-29T12:30:45Z').getHours('+02:00') == 14 && timestamp('2024-02-29T00:00:00Z').getDayOfWeek() == 4",
        "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b' && 'abc'.substring(1, 2) == 'b'",
        "'hello'.replace('l', 'L', 1) == 'heLlo' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3",
        "' a '.trim() == 'a' && 'aB'.lowerAscii() == 'ab' && 'aB'.upperAscii() == 'AB' && 'abc'.charAt(1) == 'b'",
        "'%s has %d of %s: %.2f'.format([dyn('a'), 3, [dyn(1), 'x'], 1.5]) == 'a has 3 of [1, x]: 1.50'",
        "[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [3, 1].max() == 3 && [1, 2].isSorted() && ![2, 1].isSorted()",
        "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [[1], [2]].flatten() == [1, 2]",
        "sets.contains([1, 2], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])",
        "'a1b2'.find('[0-9]') == '1' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1b2'.findAll('[0-9]', 1) == ['1']",
        "url('https://u@a.b:80/p?q=1&q=2').getHost() == 'a.b:80' && url('https://a.b:80/p').getPort() == '80'",
        "url('https://a.b/p?q=1&q=2').getQuery()['q'] == ['1', '2'] && isURL('/x') && !isURL('x')",
        "ip('10.0.0.1').family() == 4 && isIP('::1') && cidr('10.0.0.0/8').containsIP('10.1.2.3') && ip('127.0.0.1').isLoopback()",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
        "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('500m').add(quantity('500m')) == quantity('1')",
        "isQuantity('1Ki') && !isQuantity('x') && quantity('2').asInteger() == 2 && quantity('1k').sub(1).asInteger() == 999",
        "!format.named('dns1123Label').value().validate('a-b').hasValue() && format.dns1123Label().validate('A').hasValue()",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-alpha').isLessThan(semver('1.0.0')) && !isSemver('1')",
        "self.?gone.orValue('x') == 'x' && self.?name.orValue('x') == 'foo' && !self.?gone.hasValue()",
        "optional.of(1).optMap(x, x + 1).value() == 2 && self.map[?'z'].orValue(5) == 5 && [?optional.none(), 1] == [1]",
        "dyn(1) == 1 && dyn('a') != 1 && self.any == 'x'",
        "self.list + [4] == [1, 2, 3, 4] && [] == [] && {} == {}",
        "// a comment\ntrue",
    ] {
        match eval(text) {
            Ok(Val::Bool(true)) => {}
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn failures_are_cel_gos() {
    for (text, want) in [
        ("self.list[9] == 1", "index out of bounds: 9"),
        ("self.map.b == 1", "no such key: b"),
        ("self.gone == ''", "no such key: gone"),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("9223372036854775807 + 1 > 0", "integer overflow"),
        ("self.any > 1", "no such overload"),
        ("int('x') == 1", r#"strconv.ParseInt: parsing "x": invalid syntax"#),
        ("self.list.exists(x, self.list[x + 5] == 1)", "index out of bounds: 6"),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("'a'.substring(2) == ''", "index out of range: 2"),
    ] {
        assert_eq!(eval(text).unwrap_err(), want, "{text}");
    }
}

#[test]
fn issues_are_cel_gos() {
    for (text, want) in [
        ("self.foo", "ERROR: <input>:1:5: undefined field 'foo'\n | self.foo\n | ....^"),
        ("foo == 1", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == 1\n | ^"),
        (
            "self.n + 'a' == ''",
            "ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(int, string)'\n | self.n + 'a' == ''\n | .......^",
        ),
        (
            "self.name.startsWith(1)",
            "ERROR: <input>:1:21: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.name.startsWith(1)\n | ....................^",
        ),
        (
            "nosuch(1)",
            "ERROR: <input>:1:7: undeclared reference to 'nosuch' (in container '')\n | nosuch(1)\n | ......^",
        ),
        (
            "self.n.all(x, true)",
            "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.n.all(x, true)\n | ....^",
        ),
        ("true &&\n1", "ERROR: <input>:2:1: expected type 'bool' but found 'int'\n | 1\n | ^"),
        (
            "self.name == null",
            "ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(string, null)'\n | self.name == null\n | ..........^",
        ),
        (
            "self.list.all(x, x) && self.foo",
            "ERROR: <input>:1:18: expected type 'bool' but found 'int'\n | self.list.all(x, x) && self.foo\n | .................^\nERROR: <input>:1:28: undefined field 'foo'\n | self.list.all(x, x) && self.foo\n | ...........................^",
        ),
        (
            "self.list.filter(x, x)",
            "ERROR: <input>:1:17: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'\n | self.list.filter(x, x)\n | ................^",
        ),
        ("[1, 'a'] == []", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a'] == []\n | ....^"),
        (
            "duration('1x') > duration('1h')",
            "ERROR: <input>:1:10: invalid duration argument\n | duration('1x') > duration('1h')\n | .........^",
        ),
        ("self.map(1, x)", "ERROR: <input>:1:10: argument is not an identifier\n | self.map(1, x)\n | .........^"),
        (
            "{'a': 1}.map(x, x) == [1]",
            "ERROR: <input>:1:20: found no matching overload for '_==_' applied to '(list(string), list(int))'\n | {'a': 1}.map(x, x) == [1]\n | ...................^",
        ),
        (
            "1 +",
            "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^",
        ),
    ] {
        assert_eq!(eval(text).unwrap_err(), want, "{text}");
    }
}

#[test]
fn steps_are_counted() {
    let program = Program::compile("[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, a * b > 0))", &[]).unwrap();
    let mut budget = 50;
    assert_eq!(program.eval(&Variables::default(), &mut budget).unwrap_err(), Failure::TooMuch);
    let mut budget = 10_000;
    assert!(matches!(program.eval(&Variables::default(), &mut budget), Ok(Val::Bool(true))));
    assert!(budget > 0);
}

#[test]
fn deep_texts_do_not_break_the_parser() {
    for text in
        ["(".repeat(10_000), "[".repeat(10_000), "!".repeat(10_001) + "true", "-".repeat(9_999), "a.".repeat(3_000)]
    {
        assert!(Program::compile(&text, &[]).is_err() || text.starts_with('!'));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_anything(text in "[a-z0-9.()\\[\\]{}'\"!&|+*/<>=?:, -]{0,60}") {
        if let Ok(program) = Program::compile(&text, &[("a", Type::Dyn)]) {
            let mut budget = 1000;
            let _ = program.eval(&Variables::default().with("a", Val::Int(1)), &mut budget);
        }
    }
}

#[test]
fn nothing_takes_long() {
    let twice = |depth: usize| (0..depth).fold("[1]".to_owned(), |text, _| format!("[{text}].map(x, [x, x])"));
    for text in [
        // Values with parts that are in many places, and types of which that is true.
        format!("{} == {}", twice(40), twice(40)),
        (0..200).fold("[1]".to_owned(), |text, _| format!("{text}.map(x, {{'a': x, 'b': x}})")),
        (0..200).fold("optional.of(1)".to_owned(), |text, _| format!("{text}.optMap(x, x)")),
        (0..200).fold("true".to_owned(), |text, _| format!("[1].all(x, {text})")),
        "1+".repeat(40_000) + "1",
        "true&&".repeat(16_000) + "true",
        "[],".repeat(30_000),
        format!("[{}] == []", "[],".repeat(30_000)),
        "a.".repeat(20_000) + "a",
        "{".repeat(3_000),
    ] {
        if let Ok(program) = Program::compile(&text, &[("a", Type::Dyn)]) {
            let mut budget = 1_000_000;
            let _ = program.eval(&Variables::default().with("a", Val::Int(1)), &mut budget);
        }
    }
}

#[test]
fn the_parser_goes_on_after_what_is_wrong() {
    const STARTS: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                          STRING, BYTES, IDENTIFIER}";
    for (text, wanted) in [
        ("", &["1:0: Syntax error: mismatched input '<EOF>' expecting START"][..]),
        ("(1", &["1:3: Syntax error: missing ')' at '<EOF>'"]),
        ("((1)", &["1:5: Syntax error: missing ')' at '<EOF>'"]),
        ("[1", &["1:3: Syntax error: mismatched input '<EOF>' expecting {']', ','}"]),
        ("(a b)", &["1:4: Syntax error: extraneous input 'b' expecting ')'"]),
        ("a ? b c", &["1:7: Syntax error: missing ':' at 'c'"]),
        ("f(", &["1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true'"]),
        ("a.", &["1:3: Syntax error: no viable alternative at input '.'"]),
        ("a..b", &["1:3: Syntax error: no viable alternative at input '..'"]),
        (
            "/",
            &[
                "1:1: Syntax error: mismatched input '/' expecting START",
                "1:2: Syntax error: mismatched input '<EOF>' expecting START",
            ],
        ),
        ("a == == b", &["1:6: Syntax error: extraneous input '==' expecting START"]),
        (
            "a = b",
            &[
                "1:3: Syntax error: token recognition error at: '= '",
                "1:5: Syntax error: extraneous input 'b' expecting <EOF>",
            ],
        ),
        (
            "a == \"x",
            &[
                "1:6: Syntax error: token recognition error at: '\"x'",
                "1:8: Syntax error: mismatched input '<EOF>' expecting START",
            ],
        ),
        ("'''a", &["1:3: Syntax error: token recognition error at: ''a'"]),
        ("0x", &["1:2: Syntax error: extraneous input 'x' expecting <EOF>"]),
        ("if a", &["1:1: reserved identifier: if", "1:4: Syntax error: extraneous input 'a' expecting <EOF>"]),
        ("1e999", &["1:1: invalid double literal"]),
        ("f(1,)", &["1:5: Syntax error: mismatched input ')' expecting START"]),
        (
            "'%d'.format(['a'])",
            &["1:14: error during formatting: decimal clause can only be used on integers, was given string"],
        ),
        ("'%s'.format([])", &["1:12: index 0 out of range"]),
        ("'%s'.format([1, 2])", &["1:12: too many arguments supplied to string.format (expected 1, got 2)"]),
        ("'%z'.format([1])", &["1:12: could not parse formatting clause: unrecognized formatting clause \"z\""]),
        ("[self.any, 1]", &["1:12: expected type 'dyn' but found 'int'"]),
        ("{'a': 1, 'b': 'c'}", &["1:15: expected type 'int' but found 'string'"]),
    ] {
        let said = eval(text).unwrap_err();
        let found: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("ERROR: <input>:")).collect();
        let wanted: Vec<String> = wanted.iter().map(|line| line.replace("START", STARTS)).collect();
        let fits = found.iter().zip(&wanted).all(|(found, wanted)| found.starts_with(wanted.as_str()));
        assert!(fits && found.len() == wanted.len(), "{text}: {said}");
    }
    for text in ["[,] == []", "{,} == {}", "[1,] == [1]", "'%s %d'.format(['a', 1]) == 'a 1'", "'%%'.format([]) == '%'"]
    {
        assert!(matches!(eval(text), Ok(Val::Bool(true))), "{text}");
    }
}
