import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SandboxRun } from '#src/handlers/tools/python-sandbox.ts';
import { proveIsolation } from '#src/runtime/sandbox/prove-isolation.ts';
import { pythonSandbox } from '#src/runtime/sandbox/run-python.ts';

const runPython = await pythonSandbox({});
const missing = await proveIsolation(runPython).then(
  () => null,
  (error: unknown) => String(error),
);
const isolated = missing === null ? describe : describe.skip;

/** What came of a program with the service's default limits. */
const run = (code: string, more: Partial<SandboxRun> = {}) =>
  runPython({ code, timeoutMs: 5_000, memoryMb: 128, files: [], ...more });

/** What a program prints that catches every error, line by line. */
async function attempts(...expressions: string[]): Promise<readonly string[]> {
  const lines = expressions.map(
    (expression) =>
      `try:\n    print("ok", ${expression})\nexcept BaseException as error:\n    print(type(error).__name__, error)`,
  );
  const { stdout } = await run(`import os, socket, ctypes, signal\n${lines.join('\n')}`);
  return stdout.trimEnd().split('\n');
}

/** Processes of this machine whose command line has the text. */
async function processesWith(text: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(text)).length;
}

isolated(`a program in the sandbox${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  test('gives back its output, its end and its files', async () => {
    const result = await run(
      'import sys\nprint("é", open("in.csv").read())\nprint("no", file=sys.stderr)\nopen("out.txt", "w").write("x" * 9)\nsys.exit(3)',
      { files: [{ path: 'in.csv', bytes: Buffer.from('1,2') }] },
    );
    expect(result).toMatchObject({
      stdout: 'é 1,2\n',
      stderr: 'no\n',
      truncated: false,
      exitCode: 3,
      timedOut: false,
      files: [
        { path: 'in.csv', size: 3, bytes: Buffer.from('1,2') },
        { path: 'out.txt', size: 9, bytes: Buffer.from('xxxxxxxxx') },
      ],
    });
  });

  test('has the standard library, threads and asynchronous functions', async () => {
    const { stdout, stderr } = await run(
      'import asyncio, decimal, json, threading, statistics\nasync def f():\n    await asyncio.sleep(0)\n    return 5\nprint(asyncio.run(f()), decimal.Decimal("0.1") * 3)\nthreading.Thread(target=lambda: print("t")).start()',
    );
    expect({ stdout, stderr }).toEqual({ stdout: '5 0.3\nt\n', stderr: '' });
  });

  test('has an empty environment but for what Python says of its own language', async () => {
    const [line] = await attempts('sorted(os.environ)');
    expect(line).toBe("ok ['LC_CTYPE']");
  });

  test('reaches no network: not this machine, not another, not the host of a virtual one', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const lines = await attempts(
      `socket.create_connection(("127.0.0.1", ${port}), 1)`,
      'socket.create_connection(("169.254.169.254", 80), 1)',
      'socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).connect((2, 1024))',
      'socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)',
      'socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)',
    );
    await new Promise((resolve) => server.close(resolve));
    for (const line of lines) expect(line).toMatch(/^PermissionError/);
    expect(connections).toBe(0);
  });

  test('sees no file of the host: not its processes, its users, or a key that anybody may read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eirel-key-'));
    await chmod(folder, 0o755);
    const key = join(folder, 'job.key');
    await writeFile(key, 'secret', { mode: 0o644 });
    const lines = await attempts(
      `open("${key}").read()`,
      'open("/proc/1/environ").read()',
      'open("/proc/self/status").read()',
      'open("/etc/passwd").read()',
      'open("/sys/kernel/notes").read()',
      `os.listdir("${process.cwd()}")`,
    );
    await rm(folder, { recursive: true });
    for (const line of lines) expect(line).toMatch(/^FileNotFoundError/);
  });

  test('has no privilege, and can get none', async () => {
    const lines = await attempts(
      'open("/usr/bin/x", "w")',
      'open("/x", "w")',
      'os.setuid(0)',
      'os.setgroups([])',
      'os.chroot("/")',
      'os.mknod("disk", 0o60600, os.makedev(8, 0))',
    );
    for (const line of lines) expect(line).toMatch(/^(OSError|PermissionError)/);
    const calls = [
      '272, 0x10000000', // unshare
      '29, 0, 4096, 0o1600', // shmget
      '101, 16, 1, 0, 0', // ptrace
      '165, b"a", b"/work", b"tmpfs", 0, None', // mount
      '321, 0, 0, 0', // bpf
      '425, 1, 0', // io_uring_setup
      '319, b"m", 0', // memfd_create
    ];
    const { stdout } = await run(
      `import ctypes, platform\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(platform.machine())\n${calls.map((call) => `print(libc.syscall(${call}), ctypes.get_errno())`).join('\n')}`,
    );
    const [machine, ...answers] = stdout.trimEnd().split('\n');
    if (machine === 'x86_64') expect(answers).toEqual(calls.map(() => '-1 1'));
  });

  test('can signal nothing but itself', async () => {
    const lines = await attempts(
      'os.getppid()',
      'os.kill(1, signal.SIGKILL)',
      'os.kill(1, signal.SIGINT)',
      `os.kill(${process.pid}, 0)`,
    );
    expect(lines.slice(0, 3)).toEqual(['ok 1', 'ok None', 'ok None']);
    expect(lines[3]).toMatch(/^(ProcessLookupError|ok)/);
    expect((await run('print(1)')).stdout).toBe('1\n');
  });

  test('is ended by the clock, whatever it waits for', async () => {
    for (const code of [
      'while True: pass',
      'import time\ntime.sleep(60)',
      'input()\nopen("/dev/null").read()\nimport time; time.sleep(60)',
    ]) {
      const { timedOut, exitCode } = await run(code, { timeoutMs: 300 });
      if (code.startsWith('input')) expect(exitCode).toBe(1);
      else expect({ timedOut, exitCode }).toEqual({ timedOut: true, exitCode: -9 });
    }
  });

  test('that is a bomb of processes has eight of them', async () => {
    const { stdout, timedOut } = await run(
      'import os, time\nn = 1\ntry:\n    while True:\n        if os.fork() == 0:\n            while True: time.sleep(1)\n        n += 1\nexcept OSError:\n    print(n)',
    );
    expect({ stdout, timedOut }).toEqual({ stdout: '8\n', timedOut: false });
    const forks = await run(
      'import os\nwhile True:\n    try: os.fork()\n    except OSError: pass',
      {
        timeoutMs: 500,
      },
    );
    expect(forks.timedOut).toBe(true);
  });

  test('that opens files without end has sixty-four', async () => {
    const { stdout } = await run(
      'import os\nlast = 0\ntry:\n    while True: last = os.dup(1)\nexcept OSError as error:\n    print(last, error.errno)',
    );
    expect(stdout).toBe('63 24\n');
  });

  test('that is a bomb of memory fails alone', async () => {
    const { stderr, exitCode } = await run('x = []\nwhile True: x.append(bytearray(1 << 20))');
    expect({ exitCode, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      exitCode: 1,
      last: 'MemoryError',
    });
  });

  test('fills no disk: a file has 1 MiB, the folder sixteen', async () => {
    const { stdout } = await run(
      'def write(name, size):\n    try:\n        with open(name, "wb") as f: f.write(bytes(size))\n        return True\n    except OSError: return False\nprint(write("a", 1 << 20), write("b", (1 << 20) + 1))\nprint(sum(write(str(i), 1 << 20) for i in range(40)) <= 16)',
    );
    expect(stdout).toBe('True False\nTrue\n');
  });

  test('may write without end: the first 64 and 16 KiB are kept', async () => {
    const { stdout, stderr, truncated } = await run(
      'import sys\nwhile True:\n    print("x" * 4096)\n    print("y" * 4096, file=sys.stderr)',
    );
    expect(truncated).toBe(true);
    expect([stdout.length, stderr.length]).toEqual([65_536, 16_384]);
    const long = await run('print("x" * 100_000)');
    expect([long.stdout.length, long.truncated, long.exitCode]).toEqual([65_536, true, 0]);
  });

  test('leaves nothing behind that goes on', async () => {
    const { stdout } = await run(
      'import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: os.execv("/bin/sleep", ["sleep", "98765"])\n    os._exit(0)\nprint("left")',
    );
    expect(stdout).toBe('left\n');
    expect(await processesWith('98765')).toBe(0);
  });

  test('can make no file that is another one: links and pipes are not given back', async () => {
    const { files } = await run(
      'import os\nos.symlink("/etc/passwd", "link")\nos.mkfifo("pipe")\nos.symlink("/", "root")\nopen("a\\nb", "w").write("1")\nos.makedirs("d/e")\nopen("d/e/f", "w").write("2")',
    );
    expect(files.map(({ path }) => path)).toEqual(['d/e/f']);
  });

  test('ends with the service that runs it', async () => {
    const stop = new AbortController();
    const stoppable = await pythonSandbox({ signal: stop.signal });
    const running = stoppable({
      code: 'import os\nos.execv("/bin/sleep", ["sleep", "87654"])',
      timeoutMs: 30_000,
      memoryMb: 128,
      files: [],
    });
    await expect.poll(() => processesWith('87654'), { timeout: 20_000 }).toBeGreaterThan(0);
    stop.abort();
    await running;
    await expect.poll(() => processesWith('87654')).toBe(0);
  });
});

describe('the proof', () => {
  test('names every claim that does not hold', async () => {
    const claims = { network: false, environment: true, processes: false };
    const pretended = async () => ({
      stdout: JSON.stringify(claims),
      stderr: '',
      truncated: false,
      exitCode: 0,
      timedOut: false,
      durationMs: 1,
      files: [],
    });
    await expect(proveIsolation(pretended)).rejects.toMatchObject({
      code: 'sandbox.unavailable',
      details: { found: 'programs are not isolated: network, processes, wall clock' },
    });
  });
});
