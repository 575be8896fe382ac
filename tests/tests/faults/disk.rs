//! A disk that is full, at many writes: said, nothing half published, and finished once there is room.
//!
//! The test runs itself again where it may mount a disk of its own.
#![allow(clippy::unwrap_used)]

use crate::journey::Journey;
use crate::scene::{Star, settled};
use std::path::Path;
use std::process::{Command, Stdio};

const INSIDE: &str = "ASSAY_FAULTS_INSIDE";
/// What the disk may still hold: from nothing to almost enough, in kilobytes.
const ROOM: [u64; 7] = [0, 4, 12, 24, 48, 96, 160];

#[test]
fn a_full_disk_publishes_nothing_half_and_room_finishes() {
    again_on_own_disks("disk::reprocess_on_a_full_disk");
}

#[test]
fn a_full_disk_under_the_journal_is_said_and_room_finishes() {
    again_on_own_disks("disk::reprocess_with_a_full_journal");
}

#[test]
fn a_full_disk_under_the_warehouse_is_said_and_room_finishes() {
    again_on_own_disks("disk::reprocess_with_a_full_warehouse");
}

#[test]
fn a_full_disk_lands_nothing_half_and_room_finishes() {
    again_on_own_disks("disk::landing_on_a_full_disk");
}

fn again_on_own_disks(test: &str) {
    let mut apart = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        apart.args(["--map-current-user", "--keep-caps"]);
    }
    apart.arg("--mount");
    let probe = tempfile::tempdir().unwrap();
    let mut mount = Command::new(apart.get_program());
    mount.args(apart.get_args()).args(["mount", "-t", "tmpfs", "tmpfs"]).arg(probe.path()).stderr(Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        eprintln!("left out: this machine lets a test mount no disk");
        return;
    }
    apart.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(INSIDE, "yes");
    let outcome = apart.output().unwrap();
    let said = [outcome.stdout, outcome.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(outcome.status.success() && said.contains("1 passed"), "{said}");
}

/// A small disk over a folder, with what the folder held.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn over(folder: &'a Path) -> Self {
        Self::of(folder, 16, &[])
    }

    /// Of so many megabytes; the folders of these names in it stay on the disk that they were on.
    fn of(folder: &'a Path, megabytes: u32, elsewhere: &[&str]) -> Self {
        let script = r#"size=$1; shift; cp -a "$0" "$0.was"; mount -t tmpfs -o "size=${size}m" tmpfs "$0"
            for name; do mkdir "$0/$name"; mount --bind "$0.was/$name" "$0/$name"; done
            for there in "$0.was"/* "$0.was"/.[!.]*; do
                name=${there##*/}
                if [ -e "$there" ] && ! [ -e "$0/$name" ]; then cp -a "$there" "$0"; fi
            done; chown --reference="$0.was" "$0"; chmod --reference="$0.was" "$0""#;
        let mut shell = Command::new("sh");
        shell.args(["-ec", script]).arg(folder).arg(megabytes.to_string()).args(elsewhere);
        assert!(shell.status().unwrap().success());
        Self(folder)
    }

    /// Leaves room for about this many bytes.
    fn leave(&self, bytes: u64) {
        self.free();
        let disk = rustix::fs::statvfs(self.0).unwrap();
        let taken = (disk.f_bavail * disk.f_frsize).saturating_sub(bytes);
        let ballast = std::fs::File::create(self.ballast()).unwrap();
        rustix::fs::fallocate(&ballast, rustix::fs::FallocateFlags::empty(), 0, taken).unwrap();
    }

    /// Gives all room back.
    fn free(&self) {
        let ballast = self.ballast();
        if ballast.exists() {
            std::fs::remove_file(ballast).unwrap();
        }
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.0.join(".ballast")
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // The mounts go with the process at the latest.
        let _ = Command::new("umount").args(["--recursive", "--lazy"]).arg(self.0).status();
    }
}

/// Not a test by itself: the other program of the test above.
#[test]
fn reprocess_on_a_full_disk() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let star = Star::new(120);
    let lake = star.journey.workspace.root().join(".assay/lake");
    let disk = Disk::over(&lake);
    let (mut now, mut failures) = (0, 0);
    for room in ROOM {
        star.put(1 - now);
        let versions = star.versions();
        disk.leave(room << 10);
        let outcome = star.journey.assay(&star.words());
        star.expect_either(&versions);
        disk.free();
        now = 1 - now;
        if outcome.code != Some(0) {
            failures += 1;
            expect_said(&star.journey, room, &format!("{}{}", outcome.stdout, outcome.stderr));
            star.journey.run(&["--resume"]);
        }
        star.expect(now);
        star.journey.expect_warehouse("fact_sales", star.of(now, "fact_sales"));
    }
    star.expect_warehouse(now);
    assert!(failures > ROOM.len() / 2, "the disk was full in {failures} runs only");
}

/// Not a test by itself: the other program of the test above.
#[test]
fn reprocess_with_a_full_journal() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let star = Star::new(120);
    let state = star.journey.workspace.root().join(".assay");
    let disk = Disk::of(&state, 16, &["lake", "scratch", "warehouse"]);
    let (mut now, mut failures) = (0, 0);
    for room in ROOM {
        star.put(1 - now);
        let (versions, newest) = (star.versions(), star.journey.runs().remove(0));
        disk.leave(room << 10);
        let outcome = star.journey.assay(&star.words());
        star.expect_either(&versions);
        disk.free();
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        if outcome.code != Some(0) {
            failures += 1;
            // A run that could not be written down was none.
            let last = settled(&star.journey);
            if last["run"]["id"] != *newest {
                assert_eq!(last["run"]["status"], "failed", "with room for {room} kB: {last}");
            }
            assert!(is_full(&said), "with room for {room} kB: {said}");
            star.journey.run(&[]);
        }
        now = 1 - now;
        star.expect(now);
        star.journey.expect_warehouse("fact_sales", star.of(now, "fact_sales"));
        assert_eq!(star.journey.last()["balanced"], true);
    }
    star.expect_warehouse(now);
    assert!(failures > ROOM.len() / 2, "the disk was full in {failures} runs only");
}

/// Not a test by itself: the other program of the test above.
#[test]
fn reprocess_with_a_full_warehouse() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let star = Star::new(120);
    let folder = star.journey.workspace.root().join(".assay/warehouse");
    let base = std::fs::read_to_string(folder.join("place")).map_or(folder, |place| place.trim().into());
    let data = base.join("data");
    let disk = Disk::of(&data, 160, &[]);
    let (mut now, mut failures) = (0, 0);
    for room in ROOM {
        star.put(1 - now);
        disk.leave(room << 10);
        let outcome = star.journey.assay(&star.words());
        disk.free();
        if outcome.code != Some(0) {
            failures += 1;
            expect_said(&star.journey, room, &format!("{}{}", outcome.stdout, outcome.stderr));
            // The lake is done; each table of the warehouse is that of the one content or of the other.
            star.expect(1 - now);
            star.expect_warehouse_either();
            star.journey.run(&[]);
        }
        now = 1 - now;
        star.expect(now);
        star.expect_warehouse(now);
    }
    assert!(failures > ROOM.len() / 2, "the disk was full in {failures} runs only");
}

/// Not a test by itself: the other program of the test above.
#[test]
fn landing_on_a_full_disk() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let journey = Journey::new("operational_lake");
    journey.demo(2, 120, &[]);
    journey.run(&[]);
    let lake = journey.workspace.root().join(".assay/lake");
    let disk = Disk::over(&lake);
    let (mut dates, mut failures) = (vec![2], 0);
    for (room, next) in ROOM.into_iter().zip(3..) {
        journey.demo(next, 120, &[]);
        disk.leave(room << 10);
        let outcome = journey.assay(&["run", "operational_lake"]);
        disk.free();
        if outcome.code != Some(0) {
            failures += 1;
            expect_said(&journey, room, &format!("{}{}", outcome.stdout, outcome.stderr));
            journey.run(&["--resume"]);
        }
        dates.push(next);
        crate::killed_landing::expect_all(&journey, &dates);
    }
    assert!(failures > ROOM.len() / 2, "the disk was full in {failures} runs only");
}

/// The failure is that of the disk, on the screen and in the journal.
fn expect_said(journey: &Journey, room: u64, said: &str) {
    let failed = settled(journey);
    assert_eq!(failed["run"]["status"], "failed", "with room for {room} kB: {failed}");
    assert!(is_full(said), "with room for {room} kB: {said}");
    assert!(is_full(&failed.to_string()), "with room for {room} kB: {failed}");
}

fn is_full(text: &str) -> bool {
    text.contains("disk is full") || text.contains("No space left")
}
