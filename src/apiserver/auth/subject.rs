//! Whom a certificate, or a request for one, is about: the common name is the user's, organizations are groups
//! (Kubernetes' X.509 client certificates).

use super::User;
use super::token::CREDENTIAL;
use ring::digest::{SHA256, digest};

/// The tags of DER (X.690) that lie on the way to a certificate's subject.
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
/// The last bytes of id-at-commonName and id-at-organizationName (X.520), after 2.5.4.
const ATTRIBUTES: [u8; 2] = [0x55, 0x04];
const COMMON_NAME: u8 = 3;
const ORGANIZATION: u8 = 10;

/// The last bytes of the attribute with a user's uid, below 1.3.6.1.4.1 (KEP-5279).
const UID: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xc2, 0x53, 0x02];

/// The user of a verified client certificate; none when it has no common name.
pub fn user(certificate: &[u8]) -> Option<User> {
    let print: String = digest(&SHA256, certificate).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let (_, certificate, _) = element(certificate)?;
    let (SEQUENCE, mut fields, _) = element(certificate)? else { return None };
    if let Some((VERSION, _, rest)) = element(fields) {
        fields = rest;
    }
    // Serial number, signature's algorithm, issuer, validity; then the subject.
    let (INTEGER, _, rest) = element(fields)? else { return None };
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (SEQUENCE, subject, _) = element(rest)? else { return None };
    let (name, user) = named(subject)?;
    let extra = [(CREDENTIAL.to_string(), vec![format!("X509SHA256={print}")])].into();
    Some(User { name: name?, extra, ..user })
}

/// The groups that a request for a certificate (PKCS #10, RFC 2986) asks for; none when it is no such request.
pub fn requested_groups(request: &[u8]) -> Option<Vec<String>> {
    let (SEQUENCE, request, _) = element(request)? else { return None };
    let (SEQUENCE, fields, _) = element(request)? else { return None };
    let (INTEGER, _, rest) = element(fields)? else { return None };
    let (SEQUENCE, subject, _) = element(rest)? else { return None };
    Some(named(subject)?.1.groups)
}

/// The common name, if there is one, and what else a subject says of a user.
fn named(subject: &[u8]) -> Option<(Option<String>, User)> {
    let (mut name, mut user) = (None, User::default());
    for (_, set) in Elements(subject) {
        for (_, pair) in Elements(set) {
            let (OBJECT_IDENTIFIER, identifier, value) = element(pair)? else { continue };
            let (_, value, _) = element(value)?;
            let text = String::from_utf8_lossy(value).into_owned();
            match identifier {
                [a, b, COMMON_NAME] if [*a, *b] == ATTRIBUTES => name = Some(text),
                [a, b, ORGANIZATION] if [*a, *b] == ATTRIBUTES => user.groups.push(text),
                _ if identifier == UID => user.uid = text,
                _ => {}
            }
        }
    }
    Some((name, user))
}

/// The first element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match length {
        short @ 0..=0x7f => (usize::from(*short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), &rest[count..])
        }
    };
    Some((*tag, rest.get(..length)?, rest.get(length..)?))
}

/// The elements of a content, one after the other.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, content, rest) = element(self.0)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    #[test]
    fn names_and_groups_are_read() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        params.distinguished_name.push(DnType::CommonName, "ada");
        params.distinguished_name.push(DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 57683, 2]), "17");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let user = user(certificate.der()).unwrap();
        assert_eq!((user.name.as_str(), user.groups.as_slice()), ("ada", &["system:masters".to_owned()][..]));
        assert_eq!(user.uid, "17");
        assert!(user.extra[CREDENTIAL][0].starts_with("X509SHA256="));
    }

    #[test]
    fn requests_name_groups() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "ada");
        params.distinguished_name.push(DnType::OrganizationName, "dev");
        let request = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(requested_groups(request.der()), Some(vec!["dev".to_string()]));
        assert_eq!(requested_groups(b"\x30\x02\x30\x00"), None);
    }

    #[test]
    fn nonsense_names_nobody() {
        for bytes in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x02\x30\x00", b"\x30\x80\x00"] {
            assert!(user(bytes).is_none());
        }
    }
}
