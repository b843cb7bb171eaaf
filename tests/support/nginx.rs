//! nginx in front of several instances, as the documentation sets it up.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Nginx {
    child: Child,
    pub base: String,
    dir: TempDir,
}

impl Nginx {
    pub fn before(ports: &[u16]) -> Self {
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let servers: String = ports.iter().map(|port| format!("server 127.0.0.1:{port} max_fails=0;")).collect();
        let place = dir.path().display();
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let settings = format!(
            "daemon off; {user} worker_processes 1; pid {place}/pid; error_log {place}/errors;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
                fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
                client_max_body_size 106m;
                upstream docket {{ {servers} keepalive 16; keepalive_timeout 1s; }}
                server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass http://docket;
                        proxy_http_version 1.1;
                        proxy_set_header Connection '';
                        proxy_set_header Host $http_host;
                        proxy_read_timeout 10m;
                    }}
                }}
            }}"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).arg("-p").arg(dir.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let nginx =
            Self { child: command.spawn().expect("nginx is installed"), base: format!("http://127.0.0.1:{port}"), dir };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nginx answers: {}", nginx.errors());
            std::thread::yield_now();
        }
        nginx
    }

    pub fn errors(&self) -> String {
        fs::read_to_string(self.dir.path().join("errors")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("nginx says:\n{}", self.errors());
        }
        let pid = self.child.id().to_string();
        // Ends its workers, too. It may have ended already.
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}
