import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeholder } from '#src/cli/command.ts';
import { commandNames, loadCommand } from '#src/cli/commands.ts';
import { EXIT } from '#src/cli/exit-codes.ts';
import type { Env } from '#src/cli/subnet/validators.ts';
import { Environment } from '#src/config.ts';
import { eirelHere, ROOT } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

/** Nobody listens on this port: it is reserved. */
const NOBODY: Env = { EIREL_NATS_URL: 'nats://127.0.0.1:1' };

/** Needs no owner. */
const DECENTRALIZED: Env = { EIREL_WEIGHT_MODE: 'decentralized' };

const commands = await Promise.all(commandNames.map(loadCommand));

let dir: string;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
});
afterAll(() => cleanup.disposeAsync());

test('without a command, and with help, every command is listed with what it is for', async () => {
  for (const argv of [[], ['--help'], ['-h'], ['help']]) {
    const { code, out, err } = await eirelHere(argv);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: '' });
    const width = Math.max(...commands.map(({ name }) => name.length));
    for (const { name, summary } of commands)
      expect(out).toContain(`${name.padEnd(width)}  ${summary}`);
  }
});

test.for(commands.map((command) => [command.name, command] as const))(
  '%s --help names its arguments and options, whatever else is given',
  async ([name, command]) => {
    for (const argv of [['--help'], ['-h'], ['one', 'two', '--no-such', '--help']]) {
      const { code, out, err } = await eirelHere([...name.split(' '), ...argv]);
      expect({ code, err }).toEqual({ code: EXIT.ok, err: '' });
      expect(out).toContain(command.summary);
      expect(out.split('\n')[0]).toContain(
        [`eirel ${name}`, ...command.arguments.map(placeholder)].join(' '),
      );
      for (const option of Object.keys(command.options)) expect(out).toContain(`--${option}`);
    }
  },
);

test('each command is loaded by its own name', () => {
  expect(commands.map(({ name }) => name)).toEqual(commandNames);
});

test('the help of the validator names every setting', async () => {
  const { out } = await eirelHere(['validator', '--help']);
  for (const setting of Object.keys(Environment.shape)) expect(out).toContain(setting);
});

test('the help of the validator shows each default, and marks what has to be set', async () => {
  const { out } = await eirelHere(['validator', '--help']);
  for (const line of [
    /EIREL_WALLET_NAME .*\(one of these is required\)/,
    /EIREL_HOTKEY_SEED_FILE .*\(one of these is required\)/,
    /EIREL_HOTKEY_MNEMONIC_FILE .*\(one of these is required\)/,
    /EIREL_CHAIN_ENDPOINTS .*\(default wss:\/\/\S+\)/,
    /EIREL_QUORUM .*\(default 2\/3\)/,
    /EIREL_MARGIN .*\(default 0\.05\)/,
    /EIREL_NATS_USER .*account$/m,
  ])
    expect(out).toMatch(line);
});

test('the help of a command that needs NATS names the settings for it', async () => {
  for (const name of ['tail', 'replay', 'runs open', 'scores import', 'streams apply']) {
    const { out } = await eirelHere([...name.split(' '), '--help']);
    expect(out).toContain('Settings: EIREL_NATS_URL, EIREL_NATS_USER, EIREL_NATS_PASSWORD_FILE');
  }
});

test.for(['runs', 'scores', 'streams', 'keys', 'axon'])(
  "eirel %s lists that group's commands",
  async (group) => {
    const own = commands.filter(({ name }) => name.startsWith(`${group} `));
    const [bare, asked] = [await eirelHere([group]), await eirelHere([group, '--help'])];
    expect(bare).toEqual({ code: EXIT.usage, out: '', err: asked.out });
    expect(asked.code).toBe(EXIT.ok);
    const listed = asked.out.split('\n').filter((line) => line.startsWith('  '));
    expect(listed.map((line) => line.trim().split('  ')[0])).toEqual(own.map(({ name }) => name));
  },
);

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  }; // safe: a package has a version
  expect(await eirelHere(['--version'])).toEqual({ code: EXIT.ok, out: `${version}\n`, err: '' });
});

/** What is wrong with a command line, and the field, value and expectation that the error names. */
const wrong: readonly [argv: string, fault: string][] = [
  ['bogus', 'field: command, value: bogus, expected: one of subnet, validator, '],
  ['runs opne x', 'value: runs opne x, expected: one of runs open, runs close, runs compare, next'],
  ['--json replay', 'field: command, value: --json replay, expected: one of'],
  ['runs open', 'field: file, value: nothing, expected: an argument'],
  ['runs close general_chat', 'field: run, value: nothing, expected: an argument'],
  ['runs compare', 'field: family, value: nothing, expected: an argument'],
  ['runs open a b', 'field: arguments, value: b, expected: at most 1'],
  ['scores import', 'field: file, value: nothing, expected: an argument'],
  ['export', 'field: file, value: nothing, expected: an argument'],
  ['import', 'field: file, value: nothing, expected: an argument'],
  ['subnet now', 'field: arguments, value: now, expected: at most 0'],
  ['validator now', 'field: arguments, value: now, expected: at most 0'],
  ['doctor now', 'field: arguments, value: now, expected: at most 0'],
  ['axon serve', 'field: url, value: nothing, expected: an argument'],
  ['devchain --port x', 'field: --genesis, value: nothing, expected: a genesis file'],
  ['tail a b', 'field: arguments, value: b, expected: at most 1'],
  ['tail --bogus', "field: options, value: --bogus, expected: Unknown option '--bogus'"],
  ['tail --from', "value: --from, expected: Option '--from <value>' argument missing"],
  ['tail --from x', 'field: --from, value: x, expected: a whole number from 0'],
  ['tail --from=-1', 'field: --from, value: -1, expected: a whole number from 0'],
  ['tail --from 1.5', 'field: --from, value: 1.5, expected: a whole number from 0'],
  ['tail --from 1e3', 'field: --from, value: 1e3, expected: a whole number from 0'],
  ['tail --from 01', 'field: --from, value: 01, expected: a whole number from 0'],
  ['tail --from 9007199254740993', 'value: 9007199254740993, expected: a whole number from 0'],
  ['tail --no-follow=yes', "expected: Option '--no-follow' does not take an argument"],
  ['replay --json=1', "expected: Option '--json' does not take an argument"],
  ['streams apply bogus', 'field: log, value: bogus, expected: one of validator, ledger, owner'],
  ['streams verify Validator', 'field: log, value: Validator, expected: one of validator, ledger'],
  ['rebuild bogus', 'field: projection, value: bogus, expected: run-state, score-store, reports'],
];

test.for(wrong)('eirel %s is refused by name, value and expectation', async ([line, fault]) => {
  const { code, out, err } = await eirelHere(line.split(' '), NOBODY);
  expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
  expect(err).toContain(fault);
  expect(err.trimEnd().split('\n'), 'one line').toHaveLength(1);
});

test('a subject that no event of the log can have is refused before anything is asked', async () => {
  const malformed = 'expected: tokens joined by dots';
  const foreign = 'expected: a subject of a log: validator, ledger, owner, * or > first';
  const cases = [
    ['validator..>', malformed],
    ['validator.>.x', malformed],
    ['a b', malformed],
    ['', malformed],
    ['score.>', foreign],
    ['proxy.*', foreign],
  ] as const;
  for (const [subject, fault] of cases) {
    const { code, err } = await eirelHere(['tail', subject], NOBODY);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(`field: subject, value: ${subject}, ${fault}`);
  }
  for (const subject of ['*.score.>', '>', 'validator', 'ledger.*'])
    expect((await eirelHere(['tail', subject], NOBODY)).code).toBe(EXIT.unavailable);
});

test('every fault of the settings is reported at once, with the setting and its value', async () => {
  const { code, err } = await eirelHere(['validator'], {
    EIREL_QUORUM: '3/2',
    EIREL_POLL_MS: '5',
    EIREL_WEIGHT_MODE: 'decentralised',
    EIREL_NATS_URL: 'http://127.0.0.1',
    EIREL_POLL: '50',
    EIREL_MARGIN: 'five',
    EIREL_HTTP_PORT: '80a',
    EIREL_CHAIN_ENDPOINTS: 'wss://node.example/key-5e8a1c,http://127.0.0.1',
    EIREL_CHAIN_GENESIS: '0x2f05',
    EIREL_WALLET_NAME: '../mine',
  });
  expect(code).toBe(EXIT.config);
  for (const fault of [
    'EIREL_QUORUM: above 0 and at most 1, got \\"3/2\\"',
    'EIREL_POLL_MS: Too small: expected number to be >=20, got \\"5\\"',
    'EIREL_WEIGHT_MODE: Invalid option: expected one of',
    'got \\"decentralised\\"',
    'EIREL_NATS_URL: a URL such as nats://127.0.0.1:4222',
    'EIREL_POLL: no such setting',
    'EIREL_MARGIN: a number, got \\"five\\"',
    'EIREL_HTTP_PORT: a number, got \\"80a\\"',
    'EIREL_CHAIN_ENDPOINTS.1: a URL such as ws://127.0.0.1:9944',
    'EIREL_CHAIN_GENESIS: a block hash, 64 lower-case hex digits, got \\"0x2f05\\"',
    'EIREL_WALLET_NAME: a plain name, got \\"../mine\\"',
  ])
    expect(err).toContain(fault);
  expect(err).not.toContain('NaN');
  // A node's URL may hold a key.
  expect(err).not.toContain('5e8a1c');
});

test('settings that a validator cannot do without are asked for together', async () => {
  const { code, err } = await eirelHere(['validator'], NOBODY);
  expect(code).toBe(EXIT.config);
  expect(err).toContain(
    'EIREL_WALLET_NAME, EIREL_HOTKEY_SEED_FILE, EIREL_HOTKEY_MNEMONIC_FILE: none is set, and the hotkey is needed; set one of them',
  );
  expect(err).toContain('EIREL_OWNER_URL: not set');
});

test('a hotkey that two settings name is refused, and both are named', async () => {
  const env = { ...NOBODY, EIREL_WALLET_NAME: 'mine', EIREL_HOTKEY_SEED_FILE: 'hotkey.seed' };
  for (const command of ['validator', 'keys show']) {
    const { code, err } = await eirelHere(command.split(' '), env);
    expect(code).toBe(EXIT.config);
    expect(err).toContain(
      'EIREL_WALLET_NAME, EIREL_HOTKEY_SEED_FILE: each says where the hotkey is; set one of them only',
    );
  }
});

test.for(['owner', 'shadow'])(
  "mode %s without the owner's address is refused, and the way out is named",
  async (mode) => {
    const { code, err } = await eirelHere(['validator'], { ...NOBODY, EIREL_WEIGHT_MODE: mode });
    expect(code).toBe(EXIT.config);
    expect(err).toContain(
      `EIREL_OWNER_URL: not set, and EIREL_WEIGHT_MODE=${mode} needs it; set it, or EIREL_WEIGHT_MODE=decentralized`,
    );
    const owned = { ...NOBODY, EIREL_WEIGHT_MODE: mode, EIREL_OWNER_URL: 'http://127.0.0.1:1' };
    expect((await eirelHere(['validator'], owned)).err).not.toContain('EIREL_OWNER_URL');
    expect((await eirelHere(['replay'], { ...NOBODY, EIREL_WEIGHT_MODE: mode })).code).toBe(
      EXIT.unavailable,
    );
  },
);

test('a seed that is absent, no seed, or readable by others stops the validator, and is never shown', async () => {
  const [short, open] = [join(dir, 'short.seed'), join(dir, 'open.seed')];
  await writeFile(short, 'c0ffee', { mode: 0o600 });
  await writeFile(open, 'c0ffee'.padEnd(64, '0'), { mode: 0o644 });
  const cases = [
    [join(dir, 'no.seed'), 'expected: a readable file'],
    [short, 'expected: 64 hex digits'],
    [open, 'value: mode 644, expected: readable by its owner only'],
  ] as const;
  for (const [file, fault] of cases) {
    const env = { ...NOBODY, EIREL_HOTKEY_SEED_FILE: file, ...DECENTRALIZED };
    const { code, err } = await eirelHere(['validator'], env);
    expect(code).toBe(EXIT.config);
    expect(err).toContain(`file: ${file}`);
    expect(err).toContain(fault);
    expect(err).not.toContain('c0ffee');
  }
});

test('a validator that runs submissions itself has to know whose rosters it believes, and where they are', async () => {
  const local = { ...NOBODY, EIREL_WEIGHT_MODE: 'decentralized', EIREL_EXEC_MODE: 'local' };
  const { err } = await eirelHere(['validator'], local);
  for (const name of ['EIREL_OWNER_URL', 'EIREL_OWNER_HOTKEY'])
    expect(err).toContain(`${name}: not set, and EIREL_EXEC_MODE=local needs it`);
});

test('a chain that does not answer is a fault of the command that needs it at once, by its address', async () => {
  const seed = join(dir, 'good.seed');
  await writeFile(seed, 'ab'.repeat(32), { mode: 0o600 });
  const env = { EIREL_HOTKEY_SEED_FILE: seed, EIREL_CHAIN_ENDPOINTS: 'ws://127.0.0.1:1' };
  const served = await eirelHere(['axon', 'serve', 'http://203.0.113.7:8787'], env);
  expect(served).toMatchObject({ code: EXIT.unavailable, out: '' });
  expect(served.err).toContain('chain.unavailable: found: unavailable: ');
  expect(served.err).toContain('ws://127.0.0.1:1: ');
  expect(served.err).toContain('next: see `eirel doctor`');
});

test('a password file that is not there is a fault of the configuration', async () => {
  const env = { ...NOBODY, EIREL_NATS_PASSWORD_FILE: join(dir, 'no.password') };
  const { code, err } = await eirelHere(['replay'], env);
  expect(code).toBe(EXIT.config);
  expect(err).toContain(`EIREL_NATS_PASSWORD_FILE: ${join(dir, 'no.password')} can't be read`);
});

test.for([
  'replay',
  'rebuild',
  'tail',
  'tail --json --no-follow',
  'export FILE',
  'import FILE',
  'streams apply',
  'streams verify --json',
  'runs open FILE',
  'runs close general_chat run-1',
  'runs compare general_chat run-1',
  'scores import FILE',
])('eirel %s without a server says which one does not answer, and why', async (line) => {
  const file = join(dir, 'empty');
  await writeFile(file, '');
  const { code, out, err } = await eirelHere(line.replace('FILE', file).split(' '), NOBODY);
  expect({ code, out }).toEqual({ code: EXIT.unavailable, out: '' });
  expect(err).toContain('log.unavailable: server: nats://127.0.0.1:1');
  expect(err).toContain('ECONNREFUSED');
});

test.for(['runs open FILE', 'scores import FILE', 'import FILE'])(
  'eirel %s names a file that cannot be read',
  async (line) => {
    for (const file of [join(dir, 'absent'), dir]) {
      const { code, err } = await eirelHere(line.replace('FILE', file).split(' '), NOBODY);
      expect(code).toBe(EXIT.refused);
      expect(err).toContain(`file.unreadable: file: ${file}, expected: a readable file`);
    }
  },
);
