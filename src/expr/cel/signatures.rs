//! Which functions there are, what they take and what they give.

use super::types::Type;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One form of a function.
#[derive(Debug)]
pub struct Signature {
    /// Whether it is called on something, which is the first of `args`.
    pub member: bool,
    /// What it takes.
    pub args: Vec<Type>,
    /// What it gives.
    pub result: Type,
}

/// A line for each form: `target.name(arguments) result`. Capital letters stand for any type. Short names: `b` bool, `i`
/// int, `u` uint, `d` double, `s` string, `y` bytes, `t` timestamp, `r` duration, `?` anything, `[A]` lists, `{A:B}`
/// maps, `opt A` optionals, `url`, `ip`, `cidr`, `qty`, `fmt`, `ver`, and of authorizers `auth`, `path`, `group`, `res`,
/// `dec`. `#` stands for each type that can be ordered.
const LINES: &str = "
!_(b) b;-_(i) i;-_(d) d
_+_(i,i) i;_+_(u,u) u;_+_(d,d) d;_+_(s,s) s;_+_(y,y) y;_+_([A],[A]) [A];_+_(r,r) r;_+_(t,r) t;_+_(r,t) t
_-_(i,i) i;_-_(u,u) u;_-_(d,d) d;_-_(t,t) r;_-_(t,r) t;_-_(r,r) r
_*_(i,i) i;_*_(u,u) u;_*_(d,d) d;_/_(i,i) i;_/_(u,u) u;_/_(d,d) d;_%_(i,i) i;_%_(u,u) u
_==_(A,A) b;_!=_(A,A) b;@in(A,[A]) b;@in(A,{A:B}) b;_?_:_(b,A,A) A;_&&_(b,b) b;_||_(b,b) b;@not_strictly_false(b) b
cel.@mapInsert({A:B},A,B) {A:B};cel.@mapInsert({A:B},{A:B}) {A:B}
_[_]([A],i) A;_[_]({A:B},A) B;_[_](opt [A],i) opt A;_[_](opt {A:B},A) opt B
_[?_]([A],i) opt A;_[?_](opt [A],i) opt A;_[?_]({A:B},A) opt B;_[?_](opt {A:B},A) opt B
size(s) i;size(y) i;size([A]) i;size({A:B}) i;s.size() i;y.size() i;[A].size() i;{A:B}.size() i
s.contains(s) b;s.startsWith(s) b;s.endsWith(s) b;s.matches(s) b;matches(s,s) b
int(i) i;int(d) i;int(r) i;int(s) i;int(t) i;int(u) i;uint(u) u;uint(d) u;uint(i) u;uint(s) u
double(d) d;double(i) d;double(s) d;double(u) d;bool(b) b;bool(s) b;bytes(y) y;bytes(s) y;dyn(A) ?;type(A) ty A
string(s) s;string(b) s;string(y) s;string(d) s;string(r) s;string(i) s;string(t) s;string(u) s
duration(r) r;duration(i) r;duration(s) r;timestamp(t) t;timestamp(i) t;timestamp(s) t
t.getFullYear() i;t.getMonth() i;t.getDayOfMonth() i;t.getDate() i;t.getDayOfWeek() i;t.getDayOfYear() i
t.getHours() i;t.getMinutes() i;t.getSeconds() i;t.getMilliseconds() i
t.getFullYear(s) i;t.getMonth(s) i;t.getDayOfMonth(s) i;t.getDate(s) i;t.getDayOfWeek(s) i;t.getDayOfYear(s) i
t.getHours(s) i;t.getMinutes(s) i;t.getSeconds(s) i;t.getMilliseconds(s) i
r.getHours() i;r.getMinutes() i;r.getSeconds() i;r.getMilliseconds() i
s.charAt(i) s;s.indexOf(s) i;s.indexOf(s,i) i;s.lastIndexOf(s) i;s.lastIndexOf(s,i) i;s.lowerAscii() s;s.upperAscii() s
s.replace(s,s) s;s.replace(s,s,i) s;s.split(s) [s];s.split(s,i) [s];s.substring(i) s;s.substring(i,i) s;s.trim() s
[s].join() s;[s].join(s) s;strings.quote(s) s;s.format([?]) s
[#].isSorted() b;[i].sum() i;[u].sum() u;[d].sum() d;[r].sum() r;[#].min() #;[#].max() #;[A].indexOf(A) i
[A].lastIndexOf(A) i;[A].slice(i,i) [A];[A].flatten() [?];[A].flatten(i) [?];[A].distinct() [A];[#].sort() [#]
[A].reverse() [A];[A].first() opt A;[A].last() opt A;lists.range(i) [i]
sets.contains([A],[A]) b;sets.equivalent([A],[A]) b;sets.intersects([A],[A]) b
s.find(s) s;s.findAll(s) [s];s.findAll(s,i) [s]
url(s) url;isURL(s) b;url.getScheme() s;url.getHost() s;url.getHostname() s;url.getPort() s;url.getEscapedPath() s
url.getQuery() {s:[s]}
ip(s) ip;isIP(s) b;ip.isCanonical(s) b;ip.family() i;ip.isUnspecified() b;ip.isLoopback() b;ip.isLinkLocalMulticast() b
ip.isLinkLocalUnicast() b;ip.isGlobalUnicast() b;string(ip) s
cidr(s) cidr;isCIDR(s) b;cidr.containsIP(s) b;cidr.containsIP(ip) b;cidr.containsCIDR(s) b;cidr.containsCIDR(cidr) b
string(cidr) s;cidr.ip() ip;cidr.masked() cidr;cidr.prefixLength() i
quantity(s) qty;isQuantity(s) b;qty.sign() i;qty.isInteger() b;qty.asInteger() i;qty.asApproximateFloat() d
qty.isGreaterThan(qty) b;qty.isLessThan(qty) b;qty.compareTo(qty) i;qty.add(qty) qty;qty.add(i) qty;qty.sub(qty) qty
qty.sub(i) qty
semver(s) ver;semver(s,b) ver;isSemver(s) b;isSemver(s,b) b;ver.major() i;ver.minor() i;ver.patch() i
ver.isLessThan(ver) b;ver.isGreaterThan(ver) b;ver.compareTo(ver) i
fmt.validate(s) opt [s];format.named(s) opt fmt;format.dns1123Label() fmt;format.dns1123Subdomain() fmt
format.dns1035Label() fmt;format.qualifiedName() fmt;format.dns1123LabelPrefix() fmt;format.dns1123SubdomainPrefix() fmt
format.dns1035LabelPrefix() fmt;format.labelValue() fmt;format.uri() fmt;format.uuid() fmt;format.byte() fmt
format.date() fmt;format.datetime() fmt
optional.of(A) opt A;optional.none() opt A;optional.unwrap([opt A]) [A];[opt A].unwrapOpt() [A];optional.ofNonZeroValue(A) opt A;opt A.hasValue() b;opt A.value() A
opt A.orValue(A) A;opt A.or(opt A) opt A;jsonpatch.escapeKey(s) s
auth.path(s) path;auth.group(s) group;auth.serviceAccount(s,s) auth;path.check(s) dec;group.resource(s) res
res.subresource(s) res;res.namespace(s) res;res.name(s) res;res.fieldSelector(s) res;res.labelSelector(s) res
res.check(s) dec;dec.allowed() b;dec.reason() s;dec.error() s;dec.errored() b
";

/// Names that stand before the dot of a function's own name.
const SPACES: [&str; 8] = ["jsonpatch", "strings", "lists", "sets", "ip", "format", "optional", "cel"];

static ALL: LazyLock<HashMap<String, Vec<Signature>>> = LazyLock::new(|| {
    let mut all: HashMap<String, Vec<Signature>> = HashMap::new();
    let ordered = ["b", "i", "u", "d", "s", "y", "t", "r"];
    let numbers = [("i", "d"), ("i", "u"), ("u", "d"), ("u", "i"), ("d", "i"), ("d", "u")];
    let pairs = ordered.iter().map(|kind| (*kind, *kind)).chain(numbers);
    let relations = ["_<_", "_<=_", "_>_", "_>=_"];
    let made = pairs.flat_map(|(a, b)| relations.map(|name| format!("{name}({a},{b}) b")));
    let lines = LINES.split(['\n', ';']).flat_map(|line| match line.contains('#') {
        true => ordered.iter().map(|kind| line.replace('#', kind)).collect(),
        false => vec![line.to_owned()],
    });
    for line in lines.chain(made).filter(|line| !line.is_empty()) {
        if let Some((name, signature)) = read(&line) {
            all.entry(name).or_default().push(signature);
        }
    }
    all
});

/// Whether there is a function of this name.
pub fn has(name: &str) -> bool {
    ALL.contains_key(name)
}

/// The forms of a function.
pub fn of(name: &str) -> &'static [Signature] {
    ALL.get(name).map_or(&[], Vec::as_slice)
}

fn read(line: &str) -> Option<(String, Signature)> {
    let (head, result) = line.rsplit_once(") ")?;
    let open = head.find('(')?;
    let (name, args) = (&head[..open], &head[open + 1..]);
    let dot = if name.starts_with(['_', '!', '-', '@']) { None } else { name.rfind('.') };
    let (target, name) = match dot.map(|dot| (&name[..dot], &name[dot + 1..])) {
        // `ip.isCanonical` is a function, `ip.family` is one of addresses: those take nothing.
        Some((space, of)) if SPACES.contains(&space) && (space != "ip" || of == "isCanonical") => (None, name),
        Some((target, of)) => (Some(ty(target)), of),
        None => (None, name),
    };
    let member = target.is_some();
    let args = target.into_iter().chain(split(args).into_iter().map(ty)).collect();
    Some((name.to_owned(), Signature { member, args, result: ty(result) }))
}

/// Splits at commas that are in no bracket.
fn split(args: &str) -> Vec<&str> {
    args.split(',').filter(|arg| !arg.is_empty()).collect()
}

fn ty(text: &str) -> Type {
    if let Some(of) = text.strip_prefix("opt ") {
        return Type::optional(ty(of));
    }
    if let Some(of) = text.strip_prefix("ty ") {
        return Type::Type(ty(of).into());
    }
    if let Some(of) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Type::list(ty(of));
    }
    if let Some((key, value)) =
        text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).and_then(|rest| rest.split_once(':'))
    {
        return Type::map(ty(key), ty(value));
    }
    match text {
        "b" => Type::Bool,
        "i" => Type::Int,
        "u" => Type::Uint,
        "d" => Type::Double,
        "s" => Type::String,
        "y" => Type::Bytes,
        "t" => Type::Timestamp,
        "r" => Type::Duration,
        "url" => Type::Opaque("kubernetes.URL"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "qty" => Type::Opaque("kubernetes.Quantity"),
        "fmt" => Type::Opaque("kubernetes.NamedFormat"),
        "ver" => Type::Opaque("kubernetes.Semver"),
        "auth" => Type::Opaque("kubernetes.authorization.Authorizer"),
        "path" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "group" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "res" => Type::Opaque("kubernetes.authorization.ResourceCheck"),
        "dec" => Type::Opaque("kubernetes.authorization.Decision"),
        letter if letter.len() == 1 && letter != "?" => Type::Letter(letter.chars().next().unwrap_or('A')),
        _ => Type::Dyn,
    }
}
