//! The settings of syncs: of Airtable, of the webhook that is told instead, and of the schedule.

use secrecy::SecretString;

use super::error::ConfigError;
use super::layers::{Given, Layers};
use super::setting::{self, Setting};
use super::{allow_private_webhooks, seconds};
use crate::notify::address;
use crate::sync::Fields;
use crate::sync::settings::{self, Airtable, Schedule, Settings, Setup, Webhook};

/// A command without a server, and `doctor`, ask for it alone.
pub fn sync(layers: &Layers) -> Result<Settings, ConfigError> {
    let allow_private = allow_private_webhooks(layers)?;
    Ok(Settings {
        workspace: text(layers, &setting::SYNC_WORKSPACE)?.unwrap_or_else(|| "default".to_owned()),
        airtable: airtable(layers, allow_private)?,
        webhook: webhook(layers, allow_private)?,
        schedule: schedule(layers)?,
        allow_private,
    })
}

fn airtable(layers: &Layers, allow_private: bool) -> Result<Setup<Airtable>, ConfigError> {
    let token = text(layers, &setting::AIRTABLE_TOKEN)?;
    let base = layers.value(&setting::AIRTABLE_BASE, None, |text| {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Some(text.to_owned()))
    })?;
    let table = text(layers, &setting::AIRTABLE_TABLE)?;
    let url = address(layers, &setting::AIRTABLE_URL, allow_private)?;
    let fields = layers.value(&setting::AIRTABLE_FIELDS, Fields::default(), Fields::read)?;
    let pause = seconds(layers, &setting::AIRTABLE_PAUSE_SECONDS, 30, 1..=300)?;
    let given = [token.is_some(), base.is_some(), table.is_some()];
    let (Some(token), Some(base), Some(table)) = (token, base, table) else {
        return Ok(Err(missing(&settings::AIRTABLE, &given)));
    };
    let url = url.unwrap_or_else(|| "https://api.airtable.com".to_owned());
    Ok(Ok(Airtable { url, token: SecretString::from(token), base, table, fields, pause }))
}

fn webhook(layers: &Layers, allow_private: bool) -> Result<Setup<Webhook>, ConfigError> {
    let url = address(layers, &setting::SYNC_WEBHOOK_URL, allow_private)?;
    let secret = text(layers, &setting::SYNC_WEBHOOK_SECRET)?;
    let given = [url.is_some(), secret.is_some()];
    let (Some(url), Some(secret)) = (url, secret) else {
        return Ok(Err(missing(&settings::WEBHOOK, &given)));
    };
    Ok(Ok(Webhook { url, secret: SecretString::from(secret) }))
}

/// A schedule that looks back for less time than lies between its syncs would leave something out.
fn schedule(layers: &Layers) -> Result<Option<Schedule>, ConfigError> {
    let minutes: Option<u32> = layers.value(&setting::SYNC_MINUTES, None, |text| {
        if text == "off" {
            return Some(None);
        }
        text.parse().ok().filter(|minutes| (1..=10_080).contains(minutes)).map(Some)
    })?;
    let hours = |text: &str| text.parse().ok().filter(|hours| (1..=8_760).contains(hours));
    let hours_back: u32 = layers.value(&setting::SYNC_HOURS_BACK, 24, hours)?;
    let Some(minutes) = minutes else { return Ok(None) };
    if hours_back * 60 < minutes {
        let given = layers.get(&setting::SYNC_HOURS_BACK).or_else(|| layers.get(&setting::SYNC_MINUTES));
        if let Some(Given { origin, text }) = given {
            let takes = format!("no fewer hours than lie between two syncs of sync_minutes = {minutes}");
            return Err(ConfigError::Wrong { origin, given: format!("`{text}`"), takes });
        }
    }
    Ok(Some(Schedule { minutes, hours_back }))
}

fn missing(needed: &[&'static str], given: &[bool]) -> Vec<&'static str> {
    needed.iter().zip(given).filter(|(_, given)| !**given).map(|(name, _)| *name).collect()
}

fn text(layers: &Layers, setting: &'static Setting) -> Result<Option<String>, ConfigError> {
    layers.value(setting, None, |text| (!text.is_empty()).then(|| Some(text.to_owned())))
}

/// One that may be spoken to; the sentence does not repeat it, for it may hold a secret.
fn address(
    layers: &Layers,
    setting: &'static Setting,
    allow_private: bool,
) -> Result<Option<String>, ConfigError> {
    let Some(url) = text(layers, setting)? else { return Ok(None) };
    match (address::check(&url, allow_private), layers.get(setting)) {
        (Err(error), Some(Given { origin, .. })) => {
            let given = "one that cannot be used".to_owned();
            Err(ConfigError::Wrong { origin, given, takes: format!("{}; {error}", setting.takes) })
        }
        _ => Ok(Some(url)),
    }
}
