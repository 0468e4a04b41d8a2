//! The scripts that make a shell ask `__complete`.

/// A shell that has a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// GNU bash, 4.4 or later.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell, 5 or later.
    PowerShell,
}

impl Shell {
    /// All shells.
    pub const ALL: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell];

    /// The shell's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::PowerShell => "powershell",
        }
    }

    /// The shell with this name.
    pub fn named(name: &str) -> Option<Shell> {
        Self::ALL.into_iter().find(|shell| shell.name() == name)
    }

    /// The name under which the shell finds the script for `program`.
    pub fn file(self, program: &str) -> String {
        match self {
            Shell::Bash => format!("{program}.bash"),
            Shell::Zsh => format!("_{program}"),
            Shell::Fish => format!("{program}.fish"),
            Shell::PowerShell => format!("{program}.ps1"),
        }
    }

    /// The script that completes `program`.
    pub fn script(self, program: &str) -> String {
        let text = match self {
            Shell::Bash => include_str!("scripts/bash"),
            Shell::Zsh => include_str!("scripts/zsh"),
            Shell::Fish => include_str!("scripts/fish"),
            Shell::PowerShell => include_str!("scripts/powershell"),
        };
        text.replace("PROGRAM", program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_ask_the_program_that_they_are_for() {
        for shell in Shell::ALL {
            let script = shell.script("kubectl");
            assert!(script.contains("kubectl") && script.contains("__complete"), "{}", shell.name());
            assert!(!script.contains("PROGRAM"), "{}", shell.name());
            assert_eq!(Shell::named(shell.name()), Some(shell));
        }
        assert_eq!(Shell::named("sh"), None);
        assert_eq!(Shell::Zsh.file("steer"), "_steer");
    }
}
