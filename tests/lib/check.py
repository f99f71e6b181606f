"""Build everything, run every test, count.

check.py check|soak MAKE BUILD. The last line is `N passed, N failed`, with the
number of skips if there are any; these are named before. Exit code 1 if
anything failed.
"""
import concurrent.futures
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
JOBS = os.cpu_count() or 2
# Tests of whole programs wait as often as they work.
WORKERS = JOBS + 1


class Count:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def check(self, name, done):
        """One test that is a program: passed if it exits with 0."""
        if done.returncode == 0:
            self.passed += 1
        else:
            self.fail(name, done.stdout)

    def fail(self, name, text=""):
        self.failures.append(name)
        print(f"FAILED {name}\n{text[-6000:]}", flush=True)


def run(command, timeout=600, **more):
    """Output as text; a timeout is a failure like others."""
    command = [str(c) for c in command]
    try:
        return subprocess.run(command, cwd=REPOSITORY, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors="replace", **more)
    except subprocess.TimeoutExpired as error:
        text = error.stdout or b""
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        return subprocess.CompletedProcess(
            command, -1, text + f"\nstill running after {timeout} s")


def at_once(function, items):
    """function(item) for all, as many at once as there are processors."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(function, items))


class Suite:
    def __init__(self, what, make, build):
        self.is_soak = what == "soak"
        self.make_program, self.build = make, pathlib.Path(build)
        self.count = Count()

    def stage(self, name, function, *args):
        start, before = time.monotonic(), self.count.passed
        cpu = sum(os.times()[:4])
        print(f"{name} ...", flush=True)
        result = function(*args)
        seconds = time.monotonic() - start
        print(f"{name}: {self.count.passed - before} passed, {seconds:.0f} s, "
              f"{(sum(os.times()[:4]) - cpu) / max(seconds, 0.01):.1f} "
              "processors busy", flush=True)
        return result

    def make(self, name, *args):
        done = run([self.make_program, "-s", "-k", f"-j{JOBS}", *args],
                   timeout=1200)
        self.count.check(name, done)
        return done.returncode == 0

    # Each stage

    def builds(self):
        """True if there are programs to test; what else fails to build is
        counted, and does not keep the rest from being tried."""
        b = self.build
        built = self.make("build with gcc", f"B={b}", "all")
        self.make("build with clang and sanitizers", f"B={b}", "san-build")
        return built

    def unit(self):
        programs = sorted(glob.glob(f"{self.build}-san/unit/*_test"))
        done = at_once(lambda p: run([p], timeout=300), programs)
        for program, result in zip(programs, done):
            self.count_cmocka(os.path.basename(program), result)

    def count_cmocka(self, name, result):
        def number(what):
            return sum(int(n) for n in re.findall(
                rf"^\[\s*{what}\s*\] (\d+) test\(s\)", result.stdout, re.M))
        failed = re.findall(r"^\[\s*FAILED\s*\] ([A-Za-z_].*)$",
                            result.stdout, re.M)
        self.count.passed += number("PASSED")
        self.count.skips += [f"{name}: a test"] * number("SKIPPED")
        if result.returncode != 0 or failed:
            self.count.fail(name, result.stdout)
            self.count.failures += failed[1:]
        elif number("PASSED") == 0:
            self.count.fail(name, "no test ran\n" + result.stdout)

    def fuzz(self):
        # A second is two for libFuzzer: most targets end by their runs.
        seconds = 120 if self.is_soak else 1
        runs = -1 if self.is_soak else 10_000
        targets = sorted(glob.glob(f"{self.build}-san/fuzz/*_fuzz"))
        # A target whose source is gone is left over from an older build.
        targets = [t for t in targets if
                   (REPOSITORY / "tests/fuzz" / f"{pathlib.Path(t).name}.c")
                   .exists()]

        def one(target):
            name = os.path.basename(target).removesuffix("_fuzz")
            corpus = self.build / "corpus" / name
            corpus.mkdir(parents=True, exist_ok=True)
            seeds = REPOSITORY / "tests/fuzz/seeds" / name
            dictionary = REPOSITORY / "tests/fuzz" / f"{name}.dict"
            command = [os.path.abspath(target), f"-runs={runs}",
                       f"-max_total_time={seconds}",
                       "-timeout=10", "-print_final_stats=0",
                       f"-artifact_prefix={corpus.parent}/{name}-"]
            if dictionary.exists():
                command.append(f"-dict={dictionary}")
            command.append(str(corpus))
            if seeds.exists():
                command.append(str(seeds))
            return run(command, timeout=seconds + 120)

        for target, result in zip(targets, at_once(one, targets)):
            self.count.check(os.path.basename(target), result)

    def pages(self):
        for page in sorted((REPOSITORY / "doc/man").glob("*.[1-9]")):
            self.count.check(f"manual page {page.name}", run(
                ["mandoc", "-Tlint", "-W", "warning", page]))

    def lines(self):
        self.count.check("lines that run as root", run(
            ["tests/root_lines", self.build]))

    def python(self):
        with tempfile.TemporaryDirectory(prefix="kereru-check-",
                                         dir="/var/tmp") as folder:
            # Accounts of the roles pass through, to sendmail and the like.
            os.chmod(folder, 0o755)
            prefix = f"{folder}/programs"
            done = run([self.make_program, "-s", f"B={self.build}", "DESTDIR=",
                        f"PREFIX={prefix}", "install"])
            self.count.check("make install", done)
            if done.returncode != 0:
                return
            # So they do to the programs that are tried by themselves, which
            # a clone below somebody's home would keep from them.
            shutil.copytree(self.build / "bin", f"{folder}/build/bin")
            report = f"{folder}/report.xml"
            environment = dict(os.environ, KERERU_PREFIX=prefix,
                               KERERU_BUILD=f"{folder}/build",
                               KERERU_MAKE_BUILD=str(self.build.absolute()),
                               PYTHONDONTWRITEBYTECODE="1")
            command = ["/usr/bin/python3", "-m", "pytest", "-q", "-ra",
                       "--tb=short", "--durations=12"]
            command += ["-m", "soak"] if self.is_soak else \
                ["-n", str(WORKERS), "--dist", "loadfile"]

            def pytest(*more):
                return subprocess.run(
                    command + list(more), cwd=REPOSITORY, env=environment,
                    stdin=subprocess.DEVNULL).returncode
            self.count_pytest(
                pytest(f"--junitxml={report}", "tests"), report, pytest)

    def passes_alone(self, failed, run_pytest):
        """The names of failed tests that pass when they run again with
        nothing beside them. Tests of whole hosts measure patience: with
        every processor busy a time limit may strike. Many failures are no
        accident and stay what they are."""
        if not 0 < len(failed) <= 5 or self.is_soak:
            return set()
        print(f"again, alone: {', '.join(failed)}", flush=True)
        paths = []
        for name in failed:
            module, _, test = name.partition("::")
            path = "tests/" + module.replace(".", "/").removeprefix("tests/")
            paths.append(f"{path}.py::{test}")
        with tempfile.TemporaryDirectory(prefix="kereru-again-") as folder:
            report = f"{folder}/report.xml"
            run_pytest("-n", "0", f"--junitxml={report}", *paths)
            try:
                cases = list(xml.etree.ElementTree.parse(report)
                             .iter("testcase"))
            except OSError:
                return set()
        return {f"{c.get('classname')}::{c.get('name')}"
                for c in cases if not list(c)}

    def count_pytest(self, code, report, run_pytest):
        try:
            cases = list(xml.etree.ElementTree.parse(report)
                         .iter("testcase"))
        except OSError:
            self.count.fail("pytest", f"no report, exit code {code}")
            return
        named = [(f"{case.get('classname')}::{case.get('name')}",
                  {child.tag: child for child in case}) for case in cases]
        bad = [name for name, kinds in named
               if "failure" in kinds or "error" in kinds]
        second = self.passes_alone(bad, run_pytest)
        failed = 0
        for name, kinds in named:
            if name in second:
                failed += 1
                self.count.passed += 1
                print(f"passed only at the second try: {name}", flush=True)
            elif name in bad:
                # pytest has shown why already.
                failed += 1
                self.count.failures.append(name)
            elif "skipped" in kinds:
                self.count.skips.append(
                    f"{name}: {kinds['skipped'].get('message')}")
            else:
                self.count.passed += 1
        # 5: no test was there to run.
        if code not in (0, 5) and failed == 0:
            self.count.fail("pytest", f"exit code {code}")

    def all(self):
        os.chdir(REPOSITORY)
        if self.stage("builds", self.builds):
            if not self.is_soak:
                self.stage("unit tests", self.unit)
                self.stage("manual pages", self.pages)
                self.stage("lines that run as root", self.lines)
            self.stage("fuzzing", self.fuzz)
            self.stage("whole programs", self.python)
        for name in self.count.failures:
            print(f"failed: {name}")
        for name in self.count.skips:
            print(f"skipped: {name}")
        last = f"{self.count.passed} passed, {len(self.count.failures)} failed"
        if self.count.skips:
            last += f", {len(self.count.skips)} skipped"
        print(last, flush=True)
        return 1 if self.count.failures else 0


if __name__ == "__main__":
    sys.exit(Suite(*sys.argv[1:4]).all())
