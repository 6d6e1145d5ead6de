import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { type Command, helpOf, readInput } from '#src/cli/command.ts';
import { EXIT, exitCodeOf } from '#src/cli/exit-codes.ts';
import {
  keysNewCommand,
  keysShowCommand,
  keysSignCommand,
  keysVerifyCommand,
} from '#src/cli/keys.ts';
import type { Env } from '#src/cli/subnet/validators.ts';
import { finish, settings } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

/** The public development key //Alice, and what the Python SDK signed with it. */
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const SEED = 'e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a';
const PUBLIC_KEY = '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
const MESSAGE = 'eirel|run-1|abc';
const FROM_PYTHON =
  '0x6e915ac9716a2f596bb0fde62c47dc139588b1fca2a886498e6b6433310a623ee276b8670104f1134e85864c86b4ab8930f63d538c01e0fba0c69906df63ad8a';
const WRAPPED =
  '0x16f990783535ac2afd9f2880a7bc81c9312f972926ba128d7b8571c7f456c436e16ee35e8c5037f197bcf8124e2c5db676a80563e36d4a6e2f07f3a1d380808b';

let dir: string;
let seedFile: string;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  seedFile = join(dir, 'alice');
  await writeFile(seedFile, SEED, { mode: 0o600 });
});
afterAll(() => cleanup.disposeAsync());

/** Runs a command in this process, up to the error that `eirel` would print. */
async function run(command: Command, argv: readonly string[], env: Env = {}) {
  let out = '';
  const io = {
    env,
    out: (text: string) => {
      out += text;
    },
    note: () => undefined,
    interactive: false,
    signal: new AbortController().signal,
  };
  try {
    return { code: await command.run(readInput(command, argv), io), out, err: '' };
  } catch (error) {
    return { code: exitCodeOf(error), out, err: String(error) };
  }
}

const Printed = z.object({ hotkey: z.string(), publicKey: z.string(), file: z.string() });

describe('keys new', () => {
  test.each<[string, () => string[]]>([
    ['--wallet', () => ['--wallet', 'mine', '--hotkey', 'first', '--wallet-path', join(dir, 'w')]],
    ['--seed-file', () => ['--seed-file', join(dir, 'seed')]],
    ['--mnemonic-file', () => ['--mnemonic-file', join(dir, 'words')]],
  ])(
    '%s writes a key of mode 600 that is shown again, and no secret is printed',
    async (_, argv) => {
      const made = await run(keysNewCommand, [...argv(), '--json']);
      expect(made.code).toBe(EXIT.ok);
      const { file, ...key } = Printed.parse(JSON.parse(made.out));
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(JSON.parse((await run(keysShowCommand, [...argv(), '--json'])).out)).toEqual(key);
      const content = await readFile(file, 'utf8');
      const secrets = content.match(/[0-9a-f]{64,128}|[a-z]{3,}( [a-z]{3,}){11}/g) ?? [];
      expect(secrets.length).toBeGreaterThan(0);
      for (const secret of secrets.filter((text) => !key.publicKey.includes(text)))
        expect(made.out).not.toContain(secret);
    },
  );

  test('overwrites nothing', async () => {
    const { code, err } = await run(keysNewCommand, ['--seed-file', seedFile]);
    expect(code).toBe(EXIT.refused);
    expect(err).toContain('a key is never overwritten');
    expect(await readFile(seedFile, 'utf8')).toBe(SEED);
  });
});

describe('where the hotkey is', () => {
  const env = () => ({ EIREL_HOTKEY_SEED_FILE: seedFile });

  test('follows from the settings', async () => {
    const { code, out } = await run(keysShowCommand, [], env());
    expect({ code, out }).toEqual({ code: EXIT.ok, out: `${ALICE}\n${PUBLIC_KEY}\n` });
  });

  test('follows from options before settings', async () => {
    const settings = {
      EIREL_WALLET_NAME: 'none',
      EIREL_WALLET_PATH: dir,
      EIREL_NETUID: 'nonsense',
    };
    const { out } = await run(keysShowCommand, ['--seed-file', seedFile], settings);
    expect(out).toContain(ALICE);
    const { err } = await run(keysShowCommand, ['--hotkey', 'other'], settings);
    expect(err).toContain(join(dir, 'none/hotkeys/other'));
  });

  test('has to be said, and only once', async () => {
    const missing = await run(keysShowCommand, []);
    expect(missing.code).toBe(EXIT.usage);
    expect(missing.err).toContain('--wallet, --seed-file, --mnemonic-file');
    const twice = await run(keysShowCommand, ['--seed-file', seedFile, '--wallet', 'mine']);
    expect(twice.code).toBe(EXIT.config);
    const outside = await run(keysShowCommand, ['--wallet', '../mine']);
    expect(outside.code).toBe(EXIT.config);
    expect(outside.err).toContain('a plain name');
  });

  test('that nobody can read is told with the file', async () => {
    const { code, err } = await run(keysShowCommand, ['--seed-file', join(dir, 'nowhere')]);
    expect(code).toBe(EXIT.config);
    expect(err).toContain(join(dir, 'nowhere'));
  });
});

describe('keys sign', () => {
  const sign = async (...argv: string[]) => {
    const { code, out, err } = await run(keysSignCommand, ['--seed-file', seedFile, ...argv]);
    return { code, err, signature: out.trim() };
  };
  const signed = (bytes: Uint8Array, signature: string) =>
    verifySr25519(bytes, signature.replace('0x', ''), ALICE);

  test('signs the bytes of an argument, and of a file with its last line feed', async () => {
    const file = join(dir, 'message');
    await writeFile(file, `${MESSAGE}\n`);
    expect(signed(Buffer.from(MESSAGE), (await sign(MESSAGE)).signature)).toBe(true);
    const { signature } = await sign('--file', file);
    expect(signed(Buffer.from(`${MESSAGE}\n`), signature)).toBe(true);
    expect(signed(Buffer.from(MESSAGE), signature)).toBe(false);
  });

  test('signs what comes on standard input', async () => {
    const program = `
      import { keysSignCommand } from '#src/cli/keys.ts';
      import { readInput } from '#src/cli/command.ts';
      const out = (text) => process.stdout.write(text);
      await keysSignCommand.run(readInput(keysSignCommand, process.argv.slice(1)), { env: {}, out });`;
    const argv = ['--input-type=module', '-e', program, '--', '--seed-file', seedFile];
    const { out } = await finish(process.execPath, argv, settings(), { stdin: MESSAGE });
    expect(signed(Buffer.from(MESSAGE), out.trim())).toBe(true);
  });

  test('refuses a text that the Python SDK would read as hex, unless it is hex here too', async () => {
    const file = join(dir, 'hex');
    await writeFile(file, '0xc0ffee\n');
    for (const argv of [['0xc0ffee'], ['--file', file]]) {
      const refused = await sign(...argv);
      expect(refused.code).toBe(EXIT.usage);
      expect(refused.err).toContain('or --hex');
      const { signature } = await sign(...argv, '--hex');
      expect(signed(Buffer.from('c0ffee', 'hex'), signature)).toBe(true);
    }
  });

  test.each(['0x0', 'c0ffeg', '0x 00', 'hello'])('refuses %j as hex', async (text) => {
    const { code, err } = await sign('--hex', text);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('an even number of hex digits');
  });

  test('refuses two messages, a file that is not there, and a megabyte', async () => {
    const large = join(dir, 'large');
    await writeFile(large, Buffer.alloc(1_048_577));
    expect((await sign(MESSAGE, '--file', large)).code).toBe(EXIT.usage);
    expect((await sign('--file', join(dir, 'nowhere'))).code).toBe(EXIT.refused);
    expect((await sign('--file', large)).err).toContain('at most 1048576 bytes');
  });
});

describe('keys verify', () => {
  test.each([
    ['what the Python SDK signed', FROM_PYTHON, MESSAGE, EXIT.ok],
    ['its signature without prefix', FROM_PYTHON.slice(2).toUpperCase(), MESSAGE, EXIT.ok],
    ['another message', FROM_PYTHON, `${MESSAGE} `, EXIT.mismatch],
    ['a signature over the <Bytes> form', WRAPPED, MESSAGE, EXIT.mismatch],
    ['a signature that is none', 'zz', MESSAGE, EXIT.usage],
  ])('%s', async (_what, signature, message, expected) => {
    const { code } = await run(keysVerifyCommand, [ALICE, signature, message]);
    expect(code).toBe(expected);
  });

  test('says so in JSON', async () => {
    const { out } = await run(keysVerifyCommand, [ALICE, FROM_PYTHON, 'other', '--json']);
    expect(JSON.parse(out)).toEqual({ hotkey: ALICE, valid: false });
  });

  test('refuses an address that is none', async () => {
    const { code, err } = await run(keysVerifyCommand, [ALICE.toLowerCase(), FROM_PYTHON, 'x']);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('field: hotkey');
  });
});

test('the help of each names its options and settings', () => {
  for (const command of [keysNewCommand, keysShowCommand, keysSignCommand]) {
    const help = helpOf(command);
    for (const option of Object.keys(command.options)) expect(help).toContain(`--${option}`);
    expect(help).toContain('EIREL_HOTKEY_SEED_FILE');
  }
});
