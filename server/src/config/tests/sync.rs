//! What syncs go by.

use super::*;
use crate::sync::Fields;
use crate::sync::settings::Schedule;

const TOKEN: (&str, &str) = ("SWITCHBOARD_AIRTABLE_TOKEN", "patSECRET");

#[test]
fn airtable_is_set_up_by_a_table_of_the_file_and_a_token() {
    let file = r#"
        [airtable]
        base = "app1"
        table = "People, all"
        [airtable.fields]
        contact_id = "Contact"
        personal = "Notes, long"
        [sync]
        workspace = "shop"
        minutes = 60
    "#;
    let config = Said { variables: &[TOKEN], file: Some(file), ..Said::default() }.resolve().unwrap();
    let airtable = config.sync.airtable.as_ref().unwrap();
    assert_eq!((airtable.base.as_str(), airtable.table.as_str()), ("app1", "People, all"));
    assert_eq!(airtable.url, "https://api.airtable.com");
    assert_eq!(
        Some(&airtable.fields),
        Fields::read("{\"contact_id\":\"Contact\",\"personal\":\"Notes, long\"}").as_ref()
    );
    assert_eq!(config.sync.workspace, "shop");
    assert_eq!(config.sync.schedule, Some(Schedule { minutes: 60, hours_back: 24 }));
    assert!(!format!("{:?}", config.sync).contains(TOKEN.1));
}

#[test]
fn what_is_missing_is_named_and_refuses_no_start() {
    let config = Said { variables: &[TOKEN], ..Said::default() }.resolve().unwrap();
    assert_eq!(config.sync.airtable.unwrap_err(), ["airtable_base", "airtable_table"]);
    assert_eq!(config.sync.webhook.unwrap_err().len(), 2);
    let config = Said::default().resolve().unwrap();
    assert_eq!(config.sync.airtable.unwrap_err().len(), 3);
    assert_eq!(config.sync.schedule, None);
}

#[test]
fn wrong_settings_of_a_sync_are_refused_by_their_names() {
    let said = |file| Said { file: Some(file), ..Said::default() };
    refused(&said("[airtable]\nbase = \"app1/../x\""), &["airtable_base", "the id of a base"]);
    refused(&said("[airtable.fields]\nsecrets = \"A\""), &["airtable_fields", "contact_id=Contact"]);
    refused(&said("[airtable.fields]\npersonal = 1"), &["airtable_fields", "line 1"]);
    // A table of names is nothing that another setting takes.
    refused(&said("[sync.workspace]\nname = \"A\""), &["sync_workspace", "the name of a workspace"]);
    for url in ["http://127.0.0.1:1/hidden", "https://10.0.0.1/hidden", "hidden"] {
        let variables = &[("SWITCHBOARD_SYNC_WEBHOOK_URL", url)];
        let said = Said { variables, ..Said::default() };
        refused(&said, &["SWITCHBOARD_SYNC_WEBHOOK_URL"]);
        assert!(!said.resolve().unwrap_err().contains("hidden"));
    }
    let variables =
        &[("SWITCHBOARD_AIRTABLE_URL", "http://127.0.0.1:1"), ("SWITCHBOARD_ALLOW_PRIVATE_WEBHOOKS", "on")];
    assert!(Said { variables, ..Said::default() }.resolve().is_ok());
    // Less than lies between two syncs would leave something out.
    refused(&said("[sync]\nminutes = 121\nhours_back = 2"), &["sync_hours_back", "sync_minutes = 121"]);
    refused(&said("[sync]\nminutes = 1_500"), &["sync_minutes", "sync_minutes = 1500"]);
    assert!(said("[sync]\nminutes = 120\nhours_back = 2").resolve().is_ok());
    assert!(said("[sync]\nminutes = \"off\"\nhours_back = 1").resolve().is_ok());
}
