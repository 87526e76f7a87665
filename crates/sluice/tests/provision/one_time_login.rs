//! `sluice segments provision` and `package`, with everything running and a simulated Salesforce.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use salesforce_simulator::{Clock, Settings, Simulator};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);
const ONE_TIME_LOGIN: [&str; 6] = [
    "segments",
    "provision",
    "contacts",
    "--admin-client-id",
    "sluice-sample-client",
    "--length=300",
];

/// Everything running, with the draft `contacts` that lacks the field of its only segment.
struct Installation {
    simulator: Simulator,
    server: String,
    directory: TempDir,
    _services: Child,
    _log: Lines<BufReader<ChildStderr>>,
}

impl Installation {
    async fn start() -> Self {
        let simulator = Simulator::start(Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            clock: Clock::new(|| "2026-11-20T09:15:00Z".parse().unwrap()),
            sample_org: true,
        })
        .await
        .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut services = program()
            .args(["up", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.path().join("data"))
            .args(["--simulator", &format!("http://{}", simulator.address())])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(services.stderr.take().unwrap()).lines();
        let server = timeout(PATIENCE, async {
            loop {
                let line = log.next_line().await.unwrap().expect("it runs on");
                let rest = line
                    .split_once("ready: all services")
                    .map(|(_, rest)| rest.to_owned());
                let address = rest
                    .as_deref()
                    .and_then(|rest| rest.split_once("server.address="));
                if let Some((_, address)) = address {
                    return format!("http://{}", address.split(' ').next().unwrap());
                }
            }
        })
        .await
        .unwrap();
        let installation = Self {
            simulator,
            server,
            directory,
            _services: services,
            _log: log,
        };
        for line in [
            "connections create crm --custom-domain acme",
            "credentials put crm --client-id sluice-sample-client",
            "destinations create contacts --connection crm --record-type contact",
            "mappings set contacts identity:crmID=SalesforceId person.name.lastName=LastName",
            "segments add contacts 6b8e=bike_buyers:Bikes",
        ] {
            installation.done(&line.split(' ').collect::<Vec<_>>()).await;
        }
        installation
    }

    /// Prepares a command that knows the sample org's secret.
    fn sluice(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .args(arguments)
            .env("SLUICE_SERVER", &self.server)
            .env("SLUICE_CLIENT_SECRET", "sluice-sample-secret")
            .env("SLUICE_ADMIN_CLIENT_SECRET", "sluice-sample-secret");
        command
    }

    /// Runs a command that must succeed; returns what it says.
    async fn done(&self, arguments: &[&str]) -> String {
        let output = ended(self.sluice(arguments).spawn().unwrap()).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Tells whether an admin's login is stored.
    async fn has_one_time_login(&self) -> bool {
        self.done(&["connections", "list"])
            .await
            .contains("one-time-admin")
    }

    /// Has the org wait a minute before it answers a call.
    async fn slow_tooling_down(&self) {
        let fault = r#"[{"on": "tooling", "do": {"kind": "slow", "delay_ms": 60000}}]"#;
        let mut stream = TcpStream::connect(self.simulator.address()).await.unwrap();
        let request = format!(
            "POST /simulator/orgs/acme.my.salesforce.com/faults HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{fault}",
            fault.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

/// Prepares the program without the settings of whoever runs the tests. It ends with its handle.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLUICE_") {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ended(child: Child) -> Output {
    timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("it ends")
        .unwrap()
}

#[tokio::test]
async fn row_18_a_one_time_login_makes_the_fields_and_is_gone() {
    let installation = Installation::start().await;

    let made = installation.done(&ONE_TIME_LOGIN).await;

    assert!(made.contains("bike_buyers__c"), "{made}");
    assert!(
        made.contains("Setup → Object Manager → Contact → Page Layouts"),
        "{made}"
    );
    assert!(!installation.has_one_time_login().await);
    installation.done(&["destinations", "activate", "contacts"]).await;
}

#[tokio::test]
async fn a_one_time_login_that_fails_is_gone_too() {
    let installation = Installation::start().await;

    let child = installation
        .sluice(&ONE_TIME_LOGIN)
        .env("SLUICE_ADMIN_CLIENT_SECRET", "hush-hush")
        .spawn()
        .unwrap();

    let output = ended(child).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        told.contains("admin_connection") && !told.contains("hush-hush"),
        "{told}"
    );
    assert!(!installation.has_one_time_login().await);
    let missing = ended(
        installation
            .sluice(&ONE_TIME_LOGIN)
            .env_remove("SLUICE_ADMIN_CLIENT_SECRET")
            .spawn()
            .unwrap(),
    )
    .await;
    let told = String::from_utf8(missing.stderr).unwrap();
    assert!(told.contains("SLUICE_ADMIN_CLIENT_SECRET"), "{told}");
}

#[tokio::test]
async fn ctrl_c_leaves_no_login_behind() {
    let installation = Installation::start().await;
    installation.slow_tooling_down().await;
    let child = installation.sluice(&ONE_TIME_LOGIN).spawn().unwrap();
    timeout(PATIENCE, async {
        while !installation.has_one_time_login().await {}
    })
    .await
    .unwrap();

    let process = child.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-INT", &process]).status().await;
    assert!(killed.unwrap().success());

    let output = ended(child).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the same command completes it"), "{told}");
    assert!(!installation.has_one_time_login().await);
}

#[tokio::test]
async fn a_package_is_written_once() {
    let installation = Installation::start().await;
    let file = installation.directory.path().join("fields.zip");
    let path = file.display().to_string();
    let arguments = ["segments", "package", "contacts", "--output", &path];

    let told = installation.done(&arguments).await;

    assert!(told.contains(&path) && told.contains("README.txt"), "{told}");
    let written = std::fs::read(&file).unwrap();
    assert!(written.starts_with(b"PK"));
    let again = ended(installation.sluice(&arguments).spawn().unwrap()).await;
    let refused = String::from_utf8(again.stderr).unwrap();
    assert!(
        refused.contains(&path) && refused.contains("--force"),
        "{refused}"
    );
    let forced = [&arguments[..], &["--force", "--type", "picklist", "--restricted"]].concat();
    installation.done(&forced).await;
    assert_ne!(std::fs::read(&file).unwrap(), written);
}
