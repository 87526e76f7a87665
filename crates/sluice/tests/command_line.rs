//! What the `sluice` program says to people who got something wrong: one clear line that names it, and a
//! failure. Never a panic, never a hang.

use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// Longer than anything takes, even a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prepares a command line without the settings of whoever runs the tests. The child ends with its handle.
fn sluice(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLUICE_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn output(command: &mut Command) -> Output {
    let child = command.spawn().expect("the program was built beside this test");
    timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("it ends and does not hang")
        .expect("it can be waited for")
}

/// Runs a command that must fail, and returns its one line of complaint.
async fn complaint(command: &mut Command) -> String {
    let output = output(command).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code().is_some_and(|code| code != 0) && !stderr.contains("panicked"),
        "{:?} ended with {}: {stderr}",
        command.as_std(),
        output.status,
    );
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{:?} said: {stderr}", command.as_std());
    errors[0].to_owned()
}

#[track_caller]
fn assert_names(complaint: &str, named: &[&str]) {
    for name in named {
        assert!(complaint.contains(name), "no '{name}' in: {complaint}");
    }
}

/// Starts `sluice up` on a free port, and returns when it is ready.
async fn up(arguments: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut command = sluice(&["up", "--listen", "127.0.0.1:0"]);
    let mut child = command
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let stderr = child.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(stderr).lines();
    let ready = async {
        loop {
            let line = lines.next_line().await.expect("it can be read");
            if line.expect("it runs on").contains("ready: all services") {
                return;
            }
        }
    };
    timeout(PATIENCE, ready).await.expect("it gets ready");
    (child, lines)
}

#[tokio::test]
async fn the_help_lists_every_command() {
    let output = output(&mut sluice(&["--help"])).await;

    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for command in [
        "demo",
        "up",
        "serve",
        "simulator",
        "send",
        "connections",
        "credentials",
        "destinations",
        "fields",
        "mappings",
        "segments",
        "runs",
        "dead-letters",
        "receipts",
        "catalog",
    ] {
        let is_explained = help
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .any(|line| line.starts_with(&format!("{command} ")) && line.split_whitespace().count() > 2);
        assert!(is_explained, "{command} is not explained in\n{help}");
    }
}

#[tokio::test]
async fn an_unknown_key_of_the_settings_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sluice.toml");
    std::fs::write(&file, "[salesforce]\ntimeout = 3\n").unwrap();

    let complaint = complaint(sluice(&["up", "--config"]).arg(&file)).await;

    assert_names(&complaint, &["timeout", "salesforce", "timeout_seconds"]);
}

#[tokio::test]
async fn an_unknown_key_in_a_variable_is_named() {
    let mut command = sluice(&["up"]);

    let complaint = complaint(command.env("SLUICE__LISTEN__PUBLICK", "127.0.0.1:0")).await;

    assert_names(&complaint, &["publick", "listen"]);
}

#[tokio::test]
async fn a_settings_file_that_is_not_there_is_named() {
    let complaint = complaint(&mut sluice(&["up", "--config", "no-such-settings.toml"])).await;

    assert_names(&complaint, &["no-such-settings.toml"]);
}

#[tokio::test]
async fn a_malformed_address_is_named_with_its_flag_or_key() {
    let flag = complaint(&mut sluice(&["up", "--listen", "somewhere"])).await;
    let key = complaint(sluice(&["up"]).env("SLUICE__LISTEN__PUBLIC", "somewhere")).await;
    let server = complaint(&mut sluice(&["connections", "list", "--server", "somewhere"])).await;
    let simulator = complaint(&mut sluice(&["up", "--simulator", "somewhere"])).await;

    assert_names(&flag, &["somewhere", "--listen"]);
    assert_names(&key, &["listen.public"]);
    assert_names(&server, &["somewhere", "http://127.0.0.1:7450"]);
    assert_names(&simulator, &["somewhere", "salesforce.simulator_url"]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named_before_anything_is_sent() {
    let complaint = complaint(&mut sluice(&[
        "send",
        "--destination",
        "crm",
        "no-such-file.jsonl",
    ]))
    .await;

    assert_names(&complaint, &["no-such-file.jsonl", "No such file"]);
}

#[tokio::test]
async fn a_mapping_or_segment_without_an_equals_sign_is_answered_with_an_example() {
    let mapping = complaint(&mut sluice(&["mappings", "set", "crm", "LastName"])).await;
    let segment = complaint(&mut sluice(&["segments", "add", "crm", "crm_2_seg"])).await;

    assert_names(
        &mapping,
        &["'LastName'", "SOURCE=TARGET", "person.name.lastName=LastName"],
    );
    assert_names(&segment, &["'crm_2_seg'", "SEGMENT=MAPPING_ID", "=crm_2_seg"]);
}

#[tokio::test]
async fn provisioning_without_an_admin_names_both_kinds_of_login() {
    let output = output(&mut sluice(&["segments", "provision", "crm", "--dry-run"])).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    assert_names(&told, &["--admin-connection", "--admin-client-id"]);
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();

    let services =
        complaint(sluice(&["up", "--listen", &address, "--data-dir"]).arg(directory.path().join("data")))
            .await;
    let simulator = complaint(&mut sluice(&["simulator", "--listen", &address])).await;

    assert_names(&services, &[&address, "another program uses that port"]);
    assert_names(&simulator, &[&address, "in use"]);
}

#[tokio::test]
async fn a_data_directory_in_use_is_named_with_the_process_that_uses_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data").display().to_string();
    let (holder, _log) = up(&["--data-dir", &data]).await;

    let complaint = complaint(&mut sluice(&[
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &data,
    ]))
    .await;

    let process = holder.id().unwrap().to_string();
    assert_names(&complaint, &[&data, "in use", &process, "--data-dir"]);
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data = file.join("data").display().to_string();

    let complaint = complaint(&mut sluice(&["up", "--data-dir", &data])).await;

    assert_names(&complaint, &[&data, "cannot be made"]);
}

#[tokio::test]
async fn a_service_alone_without_a_database_says_what_to_set() {
    let complaint = complaint(&mut sluice(&["serve", "config"])).await;

    assert_names(&complaint, &["database_url", "sluice up"]);
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://somebody:hush@{closed}/sluice");

    let complaint = complaint(
        sluice(&[
            "up",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            &url,
            "--data-dir",
        ])
        .arg(directory.path().join("data")),
    )
    .await;

    assert_names(&complaint, &["Postgres", "127.0.0.1"]);
    assert!(!complaint.contains("hush"), "{complaint}");
}

#[tokio::test]
async fn an_internal_listener_that_others_reach_is_refused_without_mutual_tls() {
    let directory = tempfile::tempdir().unwrap();
    for service in ["config", "auth"] {
        let mut command = sluice(&["serve", service, "--listen", "127.0.0.1:0", "--data-dir"]);
        command
            .arg(directory.path().join(service))
            .args(["--database-url", "postgres://nobody@127.0.0.1:9/nothing"])
            .env("SLUICE__LISTEN__INTERNAL", "0.0.0.0:0");

        let complaint = complaint(&mut command).await;

        // The key is told as people must write it: [internal.tls].
        assert_names(&complaint, &["0.0.0.0", "mutual TLS", "internal.tls"]);
    }
}

#[tokio::test]
async fn a_simulator_that_others_reach_is_refused() {
    let complaint = complaint(&mut sluice(&["simulator", "--listen", "0.0.0.0:0"])).await;

    assert_names(&complaint, &["0.0.0.0", "--allow-remote"]);
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused_with_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let shown = data.display().to_string();
    let (mut first, _log) = up(&["--data-dir", &shown]).await;
    first.kill().await.unwrap();
    for key in ["auth.key", "delivery.key"] {
        let path = data.join(key);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();

        let complaint = complaint(&mut sluice(&[
            "up",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            &shown,
        ]))
        .await;

        assert_names(&complaint, &[&format!("chmod 600 {}", path.display()), "644"]);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test]
async fn a_command_without_a_server_says_that_none_answers() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{closed}");
    for line in ["connections list", "destinations activate crm", "runs crm"] {
        let mut command = sluice(&line.split(' ').collect::<Vec<_>>());

        let complaint = complaint(command.env("SLUICE_SERVER", &server)).await;

        assert_names(&complaint, &["does not answer", "sluice up", "--server"]);
    }
}

#[tokio::test]
async fn a_send_without_a_server_gives_up_when_its_patience_ends_and_says_how_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.jsonl");
    std::fs::write(&file, "{}\n").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = sluice(&["send", "--destination", "crm", "--patience", "1"]);
    command
        .arg(&file)
        .env("SLUICE_SERVER", format!("http://{closed}"));

    let output = output(&mut command).await;

    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_names(&stderr, &["error: the server does not answer", "--producer"]);
}
