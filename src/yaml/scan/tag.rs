//! Anchors, aliases, tags and directives (spec, 6.8 and 6.9).

use super::{Fault, Scanner, Token, TokenKind};

impl<'a> Scanner<'a> {
    pub(super) fn fetch_anchor(&mut self) -> Result<(), Fault> {
        let line = self.line;
        let alias = self.byte(0) == b'*';
        self.at += 1;
        let name = self.word();
        let ended = self.is_space(0) || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ended {
            return Err(self.fault("did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        self.tokens.push_back(Token { kind, line });
        Ok(())
    }

    pub(super) fn fetch_tag(&mut self) -> Result<(), Fault> {
        let line = self.line;
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.at += 2;
            let suffix = self.uri("")?;
            if self.byte(0) != b'>' {
                return Err(self.fault("did not find the expected '>'"));
            }
            self.at += 1;
            (String::new(), suffix)
        } else {
            let handle = self.handle()?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.uri("")?;
                (handle, suffix)
            } else {
                // No handle after all: the tag is `!` and what follows it.
                let suffix = self.uri(&handle)?;
                if suffix.is_empty() { (suffix, "!".into()) } else { ("!".into(), suffix) }
            }
        };
        if !self.is_space(0) {
            return Err(self.fault("did not find expected whitespace or line break"));
        }
        self.tokens.push_back(Token { kind: TokenKind::Tag(Box::new((handle, suffix))), line });
        Ok(())
    }

    /// The letters, digits, `_` and `-` here.
    fn word(&mut self) -> &'a str {
        let start = self.at;
        while self.byte(0).is_ascii_alphanumeric() || matches!(self.byte(0), b'_' | b'-') {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// `!`, `!!`, `!word!`, or `!word`, which is no whole handle.
    fn handle(&mut self) -> Result<String, Fault> {
        if self.byte(0) != b'!' {
            return Err(self.fault("did not find expected '!'"));
        }
        let start = self.at;
        self.at += 1;
        self.word();
        if self.byte(0) == b'!' {
            self.at += 1;
        }
        Ok(self.text[start..self.at].to_owned())
    }

    /// The rest of a tag, after `head`, whose leading `!` does not belong to it.
    fn uri(&mut self, head: &str) -> Result<String, Fault> {
        let mut uri = head.get(1..).unwrap_or_default().as_bytes().to_vec();
        let start = self.at;
        loop {
            match self.byte(0) {
                b'%' => self.uri_escape(&mut uri)?,
                byte if byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    uri.push(byte);
                    self.at += 1;
                }
                _ => break,
            }
        }
        if head.is_empty() && self.at == start {
            return Err(self.fault("did not find expected tag URI"));
        }
        Ok(String::from_utf8_lossy(&uri).into_owned())
    }

    /// One character, given as the escapes of all its bytes.
    fn uri_escape(&mut self, uri: &mut Vec<u8>) -> Result<(), Fault> {
        let mut left = 0;
        loop {
            let digits = [1, 2].map(|i| char::from(self.byte(i)).to_digit(16));
            let (b'%', [Some(high), Some(low)]) = (self.byte(0), digits) else {
                return Err(self.fault("did not find URI escaped octet"));
            };
            let octet = u8::try_from(high << 4 | low).unwrap_or_default();
            if left == 0 {
                left = match octet {
                    0..0x80 => 1,
                    0xc0..0xe0 => 2,
                    0xe0..0xf0 => 3,
                    0xf0..0xf8 => 4,
                    _ => return Err(self.fault("found an incorrect leading UTF-8 octet")),
                };
            } else if octet & 0xc0 != 0x80 {
                return Err(self.fault("found an incorrect trailing UTF-8 octet"));
            }
            uri.push(octet);
            self.at += 3;
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// A line that begins with `%`.
    pub(super) fn directive(&mut self) -> Result<TokenKind<'a>, Fault> {
        self.at += 1;
        let name = self.word();
        if name.is_empty() {
            return Err(self.fault("could not find expected directive name"));
        }
        if !self.is_space(0) {
            return Err(self.fault("found unexpected non-alphabetical character"));
        }
        let directive = match name {
            "YAML" => {
                self.skip_blanks();
                let major = self.version_number()?;
                if self.byte(0) != b'.' {
                    return Err(self.fault("did not find expected digit or '.' character"));
                }
                self.at += 1;
                TokenKind::VersionDirective { major, minor: self.version_number()? }
            }
            "TAG" => {
                self.skip_blanks();
                let handle = self.handle()?;
                if handle.len() > 1 && !handle.ends_with('!') {
                    return Err(self.fault("did not find expected '!'"));
                }
                if !self.is_blank(0) {
                    return Err(self.fault("did not find expected whitespace"));
                }
                self.skip_blanks();
                let prefix = self.uri("")?;
                if !self.is_space(0) {
                    return Err(self.fault("did not find expected whitespace or line break"));
                }
                TokenKind::TagDirective(Box::new((handle, prefix)))
            }
            _ => return Err(self.fault("found unknown directive name")),
        };
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.go_to(self.line_end());
        }
        if !self.at_end() && self.take_break().is_empty() {
            return Err(self.fault("did not find expected comment or line break"));
        }
        Ok(directive)
    }

    fn version_number(&mut self) -> Result<u8, Fault> {
        let start = self.at;
        let mut number = 0;
        while self.byte(0).is_ascii_digit() {
            if self.at - start == 2 {
                return Err(self.fault("found extremely long version number"));
            }
            number = number * 10 + (self.byte(0) - b'0');
            self.at += 1;
        }
        if self.at == start {
            return Err(self.fault("did not find expected version number"));
        }
        Ok(number)
    }
}
