import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadHotkey } from '#src/chain/wallet.ts';
import { EXIT } from '#src/cli/exit-codes.ts';
import type { Env } from '#src/cli/subnet/validators.ts';
import { sha256 } from '#src/events/hash.ts';
import { FINNEY_GENESIS } from '#src/events/source.ts';
import { openSigningDatabase } from '#src/runtime/signing-db.ts';
import { eirelHere, runEirel } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const SEED = 'e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a';
const SOURCE = 'eirel.network/log/v1/2f0555cc/36/5D/0';

/** A machine whose signing directory is still to be made. */
async function machine() {
  const directory = await scratchDirectory();
  const dir = join(directory.path, 'signing');
  const seed = join(directory.path, 'seed');
  await writeFile(seed, SEED, { mode: 0o600 });
  const env: Env = { EIREL_SIGNING_DIR: dir, EIREL_HOTKEY_SEED_FILE: seed };
  const { hotkey } = await loadHotkey({ kind: 'seed-file', path: seed });
  const open = () => openSigningDatabase(dir, { genesis: FINNEY_GENESIS, netuid: 36, hotkey });
  return {
    dir,
    hotkey,
    open,
    file: join(directory.path, 'history.json'),
    eirel: (argv: readonly string[], changes: Env = {}) =>
      eirelHere(['signing-history', ...argv], { ...env, ...changes }),
    env,
    /** Signs a report and a checkpoint. */
    sign: async (run: string, digest: string, size: number) => {
      await using database = await open();
      await database.history.reserve({ kind: 'report', family: 'general_chat', run }, digest);
      const time = '2026-11-23T09:41:04.915Z';
      await database.lock.begin({
        source: SOURCE,
        size,
        root: sha256(`${size}`),
        note: 'note',
        time,
      });
    },
    [Symbol.asyncDispose]: directory[Symbol.asyncDispose],
  };
}

test('a history moves to another machine, which signs nothing else in its runs', async () => {
  await using from = await machine();
  await using to = await machine();
  await from.sign('run-7', sha256('report'), 12);

  const written = await from.eirel(['export', from.file, '--json']);
  expect(written).toMatchObject({ code: EXIT.ok, err: '' });
  expect(JSON.parse(written.out)).toEqual({ file: from.file, rows: 1 });
  expect(JSON.parse(await readFile(from.file, 'utf8'))).toMatchObject({
    metadata: { genesis: FINNEY_GENESIS, netuid: '36', hotkey: from.hotkey },
    data: [{ family: 'general_chat', run: 'run-7', kind: 'report', digest: sha256('report') }],
    lock: [{ source: SOURCE, size: '12' }],
  });

  for (const added of [
    { rows: 1, checkpoints: 1, witnessed: 0 },
    { rows: 0, checkpoints: 0, witnessed: 0 },
  ]) {
    const imported = await to.eirel(['import', from.file, '--json']);
    expect(imported).toMatchObject({ code: EXIT.ok, err: '' });
    expect(JSON.parse(imported.out)).toEqual({ file: from.file, ...added });
  }
  const shown = await to.eirel(['show', '--json']);
  expect(JSON.parse(shown.out)).toEqual({
    genesis: FINNEY_GENESIS,
    netuid: 36,
    hotkey: from.hotkey,
    families: [{ family: 'general_chat', rows: 1, newest: 'run-7', closedUpTo: 'run-7' }],
    checkpoints: [
      { source: SOURCE, size: 12, root: sha256('12'), time: '2026-11-23T09:41:04.915Z' },
    ],
    witnessed: [],
  });
  const { out } = await to.eirel(['show']);
  expect(out).toContain('general_chat: 1 rows, the newest of run-7; nothing more is signed up to');
  expect(out).toContain(`${SOURCE}: size 12, root ${sha256('12')}`);
});

test('two histories that are not one are told apart by the row, and nothing is imported', async () => {
  await using from = await machine();
  await using to = await machine();
  await from.sign('run-7', sha256('report'), 12);
  await to.sign('run-7', sha256('other report'), 12);
  await from.eirel(['export', from.file]);
  const { code, err } = await to.eirel(['import', from.file]);
  expect(code).toBe(EXIT.conflict);
  expect(err).toContain(
    `signing.refused: field: the report of general_chat run-7, value: ${sha256('report')}, expected: ${sha256('other report')}`,
  );
  expect(JSON.parse((await to.eirel(['show', '--json'])).out)).toMatchObject({
    families: [{ rows: 1, closedUpTo: null }],
  });
});

test('while the validator runs its database is not to be had', async () => {
  await using at = await machine();
  await at.sign('run-7', sha256('report'), 12);
  await using _validator = await at.open();
  for (const { code, err } of [
    await runEirel(['signing-history', 'show'], at.env),
    await at.eirel(['export', at.file]),
  ]) {
    expect(code).toBe(EXIT.conflict);
    expect(err).toContain('found: another process has it open, next: stop that process first');
  }
});

test('nothing is made where there is nothing to show or to export', async () => {
  await using at = await machine();
  for (const argv of [['show'], ['export', at.file]]) {
    const { code, err } = await at.eirel(argv);
    expect(code).toBe(EXIT.refused);
    expect(err).toContain(`file.unreadable: file: ${join(at.dir, 'signing.db')}`);
  }
  await expect(readdir(at.dir)).rejects.toThrow('ENOENT');
});

test.for([
  { title: 'no such file', text: null, code: 'file.unreadable' },
  { title: 'an empty file', text: '', code: 'input.invalid' },
  { title: 'two lines', text: '{}\n{}\n', code: 'input.invalid' },
  { title: 'another document', text: '{}\n', code: 'input.invalid' },
])('an import of $title makes no database', async ({ text, code }) => {
  await using at = await machine();
  if (text !== null) await writeFile(at.file, text);
  const { err, code: exit } = await at.eirel(['import', at.file]);
  expect(exit).toBe(EXIT.refused);
  expect(err).toContain(`eirel: ${code}`);
  await expect(readdir(at.dir)).rejects.toThrow('ENOENT');
});

test('the history of another subnet is refused, as its file is', async () => {
  await using at = await machine();
  await at.sign('run-7', sha256('report'), 12);
  await at.eirel(['export', at.file]);
  const other = { EIREL_NETUID: '37' };
  expect(await at.eirel(['show'], other)).toMatchObject({
    code: EXIT.config,
    err: expect.stringContaining('give each hotkey a signing directory of its own'),
  });
  await using elsewhere = await machine();
  expect(await elsewhere.eirel(['import', at.file], other)).toMatchObject({
    code: EXIT.refused,
    err: expect.stringContaining('field: metadata.netuid, value: 36, expected: 37'),
  });
});
