//! Objects in an editor: what `edit`, `apply edit-last-applied` and `create --edit` share.
//!
//! The text goes to the editor and comes back until it is right, unchanged or given up. What cannot be read or is
//! refused as invalid goes back with the reasons above it; other refusals end it, and the text is kept in its file.

mod editor;

use super::flags::Flags;
use super::printing::Printing;
use super::{Context, Failure, read_text};
use crate::api::{Object, ObjectExt, Value, json};
use crate::client::PatchKind;
use crate::expr::go_value::Syntax;
use crate::merge::merge_patch;
use crate::ops::edit::{Sending, strategic_difference};
use crate::ops::edited_text::{self, Reason, Subject};
use crate::ops::infos::Info;
use crate::ops::options::DryRun;
use crate::ops::{Cluster, last_applied, record};
use crate::output::format::{self, Choice, Chosen};
use crate::schema;
use clap::ArgMatches;
use editor::{Edited, Editor, preserved, remove};
use serde_json::json;

/// The formats that a person can edit.
const FORMATS: &[&str] = &["json", "kyaml", "yaml"];
/// What messages call the text that came back.
const SOURCE: &str = "edited-file";

/// What is edited, and what becomes of it.
pub(super) struct Editing<'a> {
    /// The flags that say how the text looks and how results are printed.
    pub matches: &'a ArgMatches,
    /// What is edited.
    pub subject: Subject,
    /// How changes are sent.
    pub sending: Sending,
    /// Whether each object keeps its configuration in its annotation.
    pub save_config: bool,
    /// Whether the patches are shown.
    pub output_patch: bool,
}

/// How far a text got.
#[derive(Default)]
struct Outcome {
    /// What has to be edited once more.
    reasons: Vec<Reason>,
    /// Whether an object is gone.
    missing: bool,
    /// Whether something was refused that may go well at another time.
    refused: bool,
}

/// The text as it was last seen.
#[derive(Default)]
struct Seen {
    /// As it first went to the editor.
    original: Vec<u8>,
    /// As it came back last.
    edited: Vec<u8>,
    /// The file that it came back in; empty before that.
    file: String,
}

impl Editing<'_> {
    /// Has a person edit the objects together, and does what the text then says.
    pub fn run(&self, infos: &[Info], cluster: &Cluster, cx: &mut Context) -> Result<(), Failure> {
        let editor = Editor::from_environment(cx);
        let output = self.matches.text("output");
        let ending = if output == "json" { ".json" } else { ".yaml" };
        let mut seen = Seen::default();
        let mut again: Option<Vec<Reason>> = None;
        loop {
            let text =
                self.text(infos, again.as_deref(), &seen).map_err(|failure| preserved(failure, &seen.file, cx))?;
            if again.is_none() {
                seen.original = text.clone().into_bytes();
            }
            let Edited { text, file } =
                editor.edit(&text, ending, cx).map_err(|failure| preserved(failure, &seen.file, cx))?;
            if again.is_some() && edited_text::meaning(&seen.edited) == edited_text::meaning(&text) {
                let cancelled = Failure::message("Edit cancelled, no valid changes were saved.");
                return Err(preserved(cancelled, &file, cx));
            }
            remove(&seen.file);
            (seen.edited, seen.file) = (text, file);
            if let Some(problem) = self.complaint(&seen.edited) {
                let Some(info) = infos.first() else { return Ok(()) };
                let what = named(info);
                cx.complain(&format!("error: {what} is invalid\n"));
                let detail = format!("<nil>: Invalid value: \"The edited file failed validation\": {problem}");
                again = Some(vec![Reason { head: format!("{what} was not valid"), details: vec![detail] }]);
                continue;
            }
            if edited_text::meaning(&seen.original) == edited_text::meaning(&seen.edited) {
                remove(&seen.file);
                cx.complain("Edit cancelled, no changes made.\n");
                return Ok(());
            }
            if !edited_text::has_lines(&seen.edited) {
                remove(&seen.file);
                cx.complain("Edit cancelled, saved file was empty.\n");
                return Ok(());
            }
            let updates = match cx.edited(cluster, &seen.edited) {
                Ok(updates) => updates,
                Err(failure) => {
                    let head = format!("The edited file had a syntax error: {}", failure.words());
                    again = Some(vec![Reason { head, details: Vec::new() }]);
                    continue;
                }
            };
            let outcome =
                self.done(infos, updates, cluster, cx).map_err(|failure| preserved(failure, &seen.file, cx))?;
            if outcome.refused {
                let (program, file) = (cx.program.name(), &seen.file);
                cx.complain(&format!("You can run `{program} replace -f {file}` to try this update again.\n"));
                return Err(Failure::Quiet(1));
            }
            if outcome.missing {
                let file = crate::api::gotext::quote(&seen.file);
                cx.complain(&format!("The edits you made on deleted resources have been saved to {file}\n"));
                return Err(Failure::Quiet(1));
            }
            if outcome.reasons.is_empty() {
                remove(&seen.file);
                return Ok(());
            }
            again = Some(outcome.reasons);
        }
    }

    /// What the editor is given: the objects, or once more what came back, with the reasons.
    fn text(&self, infos: &[Info], again: Option<&[Reason]>, seen: &Seen) -> Result<String, Failure> {
        let output = self.matches.text("output");
        let mut text = match output {
            "json" => String::new(),
            _ => edited_text::header(self.subject, again.unwrap_or_default()),
        };
        if again.is_none() {
            text.push_str(&printed(infos, if output.is_empty() { "yaml" } else { output })?);
        }
        if self.matches.on("windows-line-endings") {
            text = edited_text::with_windows_line_endings(&text);
        }
        if again.is_some() {
            text.push_str(&String::from_utf8_lossy(&edited_text::without_comments(&seen.edited)));
        }
        Ok(text)
    }

    fn complaint(&self, text: &[u8]) -> Option<String> {
        let ignored = self.sending.validation == Some(crate::ops::options::Validation::Ignore);
        if ignored { None } else { edited_text::complaint(text) }
    }

    /// Does what the text says, one object after the other.
    fn done(
        &self,
        originals: &[Info],
        mut updates: Vec<Info>,
        cluster: &Cluster,
        cx: &mut Context,
    ) -> Result<Outcome, Failure> {
        for update in &mut updates {
            with_managed_fields(&mut update.object, originals);
        }
        for update in &mut updates {
            require_namespace(update, cluster)?;
        }
        for update in &mut updates {
            if self.save_config {
                last_applied::write(&mut update.object);
            }
            record::note(&mut update.object, self.sending.cause.as_deref());
        }
        let mut outcome = Outcome::default();
        for update in updates {
            match self.subject {
                Subject::Live => self.patch(originals, update, &mut outcome, cluster, cx)?,
                Subject::LastApplied => self.annotate(originals, update, cluster, cx)?,
                Subject::New => self.create(update, cluster, cx)?,
            }
        }
        Ok(outcome)
    }

    /// Each object is printed by itself: no line parts it from others.
    fn print(&self, object: &Object, operation: &'static str, cx: &mut Context) -> Result<(), Failure> {
        let printer: Printing = cx.printer(self.matches, operation, self.sending.dry_run)?;
        printer.print(object, cx.stdout())
    }

    fn patch(
        &self,
        originals: &[Info],
        update: Info,
        outcome: &mut Outcome,
        cluster: &Cluster,
        cx: &mut Context,
    ) -> Result<(), Failure> {
        let original = original(originals, &update)?;
        if original.object == update.object {
            return self.print(&update.object, "skipped", cx);
        }
        let (kind, patch) = match schema::builtin().kind(&update.mapping.gvk) {
            Some(_) => (PatchKind::Strategic, strategic_difference(&original.object, &update.object)?),
            None => (PatchKind::Merge, merge_patch::diff(&original.object, &update.object)),
        };
        if ["/apiVersion", "/kind", "/metadata/name"].iter().any(|pointer| patch.pointer(pointer).is_some()) {
            return Err(Failure::message("At least one of apiVersion, kind and name was changed"));
        }
        let patch = json::to_string(&patch);
        if self.output_patch {
            cx.print(&format!("Patch: {patch}\n"))?;
        }
        match cx.block_on(self.sending.patch(cluster, &update, kind, patch.into_bytes())) {
            Ok(object) => self.print(&object, "edited", cx),
            Err(failure) => {
                let said = outcome.note(&failure, &update);
                cx.complain(&format!("error: {said}\n"));
                Ok(())
            }
        }
    }

    /// Has the annotation say what the text says.
    fn annotate(&self, originals: &[Info], update: Info, cluster: &Cluster, cx: &mut Context) -> Result<(), Failure> {
        if original(originals, &update)?.object == update.object {
            return self.print(&update.object, "skipped", cx);
        }
        let patch = json::to_string(&last_applied::patch(&update.object)).into_bytes();
        cx.block_on(self.sending.patch(cluster, &update, PatchKind::Merge, patch))?;
        self.print(&update.object, "edited", cx)
    }

    fn create(&self, mut update: Info, cluster: &Cluster, cx: &mut Context) -> Result<(), Failure> {
        update.object.take_at(&["metadata", "resourceVersion"]);
        let object = match self.sending.dry_run {
            DryRun::Client => update.object,
            _ => cx.block_on(self.sending.create(cluster, &update, &update.object))?,
        };
        self.print(&object, "created", cx)
    }
}

impl Outcome {
    /// Notes what went wrong with an object, and gives the words for it.
    fn note(&mut self, failure: &Failure, info: &Info) -> String {
        let what = named(info);
        let status = failure.status();
        match status.map(|status| status.reason.as_str()) {
            Some("Invalid") => {
                let causes = status.and_then(|status| status.details.as_ref()).map(|details| &details.causes);
                let details = causes.into_iter().flatten().map(|cause| format!("{}: {}", cause.field, cause.message));
                self.reasons.push(Reason { head: format!("{what} was not valid"), details: details.collect() });
                format!("{what} is invalid")
            }
            Some("NotFound") => {
                self.missing = true;
                format!("{what} could not be found on the server")
            }
            _ => {
                self.refused = true;
                format!("{what} could not be patched: {}", failure.words())
            }
        }
    }
}

impl Context {
    /// The objects in a text that came back from the editor, each with its place.
    fn edited(&mut self, cluster: &Cluster, text: &[u8]) -> Result<Vec<Info>, Failure> {
        // Whether the namespace is the right one is asked later.
        let cluster = cluster.unenforced();
        let runtime = self.runtime()?;
        runtime.block_on(self.infos_in(&cluster, SOURCE, text))
    }

    /// The objects that these were when they were applied last; those that never were are left out.
    pub(super) fn configurations(&mut self, cluster: &Cluster, infos: &[Info]) -> Result<Vec<Info>, Failure> {
        let mut found = Vec::new();
        for text in infos.iter().filter_map(|info| last_applied::read(&info.object)) {
            found.extend(self.edited(cluster, text.as_bytes())?.into_iter().next());
        }
        Ok(found)
    }
}

/// `deployments.apps "web"`.
fn named(info: &Info) -> String {
    format!("{} {}", info.mapping.gvr.group_resource(), crate::api::gotext::quote(&info.name))
}

/// The objects as they are edited: without the account of who set what, several as a list.
fn printed(infos: &[Info], output: &str) -> Result<String, Failure> {
    let mut objects: Vec<Object> = infos.iter().map(|info| info.object.clone()).collect();
    for object in &mut objects {
        object.take_at(&["metadata", "managedFields"]);
    }
    let whole = match objects.len() {
        1 => objects.remove(0),
        _ => json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects}),
    };
    let choice = Choice { output, ..Choice::default() };
    let chosen = format::choose(&choice, FORMATS, &read_text).map_err(|error| Failure::message(error.to_string()))?;
    let mut text = Vec::new();
    if let Chosen::Objects(mut printer) = chosen {
        printer.object(whole, &mut text)?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The object that an edited one was. Those that are on no server yet have no uid, and so are all the same one.
fn original<'a>(originals: &'a [Info], update: &Info) -> Result<&'a Info, Failure> {
    originals.iter().find(|original| original.object.uid() == update.object.uid()).ok_or_else(|| {
        let object = Syntax(&update.object);
        Failure::message(format!("no original object found for &unstructured.Unstructured{{Object:{object}}}"))
    })
}

/// Gives an edited object back what it was shown without.
fn with_managed_fields(object: &mut Object, originals: &[Info]) {
    let fields = originals
        .iter()
        .rfind(|original| original.object.uid() == object.uid())
        .and_then(|original| original.object.at(&["metadata", "managedFields"]))
        .filter(|fields| !fields.is_null());
    match fields {
        Some(fields) => object.put(&["metadata", "managedFields"], Value::clone(fields)),
        None => {
            object.take_at(&["metadata", "managedFields"]);
        }
    }
}

/// Refuses an object that was moved to another namespace.
fn require_namespace(info: &Info, cluster: &Cluster) -> Result<(), Failure> {
    if !info.mapping.namespaced || info.namespace == cluster.namespace {
        return Ok(());
    }
    Err(Info::other_namespace(&info.namespace, &cluster.namespace))
}
