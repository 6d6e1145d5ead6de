import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { runSequence } from '#src/events/scalars.ts';
import { openSigningDatabase, type SigningDatabase } from '#src/runtime/signing-db.ts';
import { parseInterchange } from '#src/runtime/signing-interchange.ts';
import type { SigningIdentity } from '#src/runtime/signing-schema.ts';
import { exportSigning, importSigning } from '#src/runtime/signing-transfer.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { IDENTITY } from '../support/signing-identity.ts';
import { simulatedHistory } from '../support/simulated-history.ts';

/** A slot of the one family, and what is signed there: `['report', 7, 'a']`. */
type Row = readonly [kind: 'report' | 'commitment' | 'decision', run: number, digest: string];

type Scenario = Readonly<{
  title: string;
  /** What was signed where the file comes from. */
  exported?: readonly Row[];
  /** What the importing side had signed before. */
  held?: readonly Row[];
  as?: Partial<SigningIdentity>;
  edit?: (text: string) => string;
  /** What the import is refused with; it goes through without. */
  refused?: Readonly<{ code: string; field?: string }>;
  may?: readonly Row[];
  mayNot?: readonly Row[];
}>;

/** The scenarios of EIP-3076's interchange tests, with reports of runs in the place of blocks of slots. */
const SCENARIOS: readonly Scenario[] = [
  {
    title: 'an empty file changes nothing',
    held: [['report', 7, 'a']],
    may: [
      ['report', 7, 'a'],
      ['report', 3, 'b'],
      ['report', 8, 'c'],
    ],
    mayNot: [['report', 7, 'b']],
  },
  {
    title: 'what was signed may be signed again, and nothing else in its place',
    exported: [
      ['report', 7, 'a'],
      ['commitment', 7, 'b'],
      ['decision', 7, 'c'],
    ],
    may: [
      ['report', 7, 'a'],
      ['commitment', 7, 'b'],
      ['decision', 7, 'c'],
      ['report', 8, 'd'],
    ],
    mayNot: [
      ['report', 7, 'b'],
      ['commitment', 7, 'a'],
      ['decision', 7, 'a'],
    ],
  },
  {
    title: 'up to the newest run nothing that the file does not show is signed',
    exported: [
      ['report', 5, 'a'],
      ['report', 9, 'b'],
    ],
    may: [
      ['report', 5, 'a'],
      ['report', 9, 'b'],
      ['report', 10, 'c'],
      ['decision', 10, 'c'],
    ],
    mayNot: [
      ['report', 0, 'c'],
      ['report', 7, 'c'],
      ['commitment', 9, 'c'],
      ['decision', 5, 'c'],
    ],
  },
  {
    title: 'runs are in the order of their numbers, not of their names',
    exported: [
      ['report', 9, 'a'],
      ['report', 10, 'b'],
    ],
    may: [
      ['report', 11, 'c'],
      ['report', 100, 'c'],
    ],
    mayNot: [
      ['report', 2, 'c'],
      ['report', 8, 'c'],
    ],
  },
  {
    title: 'two exports of one history make one history',
    exported: [
      ['report', 5, 'a'],
      ['report', 6, 'b'],
    ],
    held: [
      ['report', 5, 'a'],
      ['report', 7, 'c'],
    ],
    may: [
      ['report', 5, 'a'],
      ['report', 6, 'b'],
      ['report', 7, 'c'],
    ],
    mayNot: [
      ['report', 6, 'c'],
      ['report', 7, 'b'],
      ['report', 4, 'd'],
    ],
  },
  {
    title: 'a file with another report of a run is refused, and nothing of it is taken',
    exported: [
      ['report', 5, 'a'],
      ['report', 6, 'b'],
      ['report', 7, 'other'],
    ],
    held: [
      ['report', 5, 'a'],
      ['report', 7, 'c'],
    ],
    refused: { code: 'signing.refused', field: 'the report of general_chat run-7' },
    may: [
      ['report', 6, 'x'],
      ['report', 4, 'x'],
      ['report', 7, 'c'],
    ],
    mayNot: [['report', 7, 'other']],
  },
  {
    title: 'a file that contradicts itself is refused',
    exported: [['report', 7, 'a']],
    edit: (text) => appendRow(text, ['report', 7, 'b']),
    refused: { code: 'signing.refused', field: 'the report of general_chat run-7' },
    may: [['report', 7, 'x']],
  },
  {
    title: 'a row that is twice in a file is one row',
    exported: [['report', 7, 'a']],
    edit: (text) => appendRow(text, ['report', 7, 'a']),
    may: [['report', 7, 'a']],
    mayNot: [['report', 7, 'b']],
  },
  {
    title: 'a file of another network is refused',
    exported: [['report', 7, 'a']],
    as: { genesis: sha256('another network') },
    refused: { code: 'input.invalid', field: 'metadata.genesis' },
    may: [['report', 7, 'x']],
  },
  {
    title: 'a file of another subnet is refused',
    exported: [['report', 7, 'a']],
    as: { netuid: 37 },
    refused: { code: 'input.invalid', field: 'metadata.netuid' },
    may: [['report', 7, 'x']],
  },
  {
    title: 'a file of another hotkey is refused',
    exported: [['report', 7, 'a']],
    as: { hotkey: '5ECAjmfGqXdwsQgL9oag4Z4c9AXZuR3EEdXXCiHuQ9VAjekx' },
    refused: { code: 'input.invalid', field: 'metadata.hotkey' },
    may: [['report', 7, 'x']],
  },
  ...[
    { what: 'of another format', edit: replacing('history/1', 'history/2') },
    { what: 'with a number that is none', edit: replacing('"netuid":"36"', '"netuid":36') },
    { what: 'with a leading zero', edit: replacing('run-7', 'run-07') },
    { what: 'with a kind that there is not', edit: replacing('"report"', '"weights"') },
    { what: 'with a field more', edit: replacing('"data":[', '"a":1,"data":[') },
    { what: 'that is not canonical', edit: (text: string) => `${text} ` },
    { what: 'that was cut', edit: (text: string) => text.slice(0, -1) },
    { what: 'without anything in it', edit: () => '' },
  ].map(
    ({ what, edit }): Scenario => ({
      title: `a file ${what} is refused`,
      exported: [['report', 7, 'a']],
      edit,
      refused: { code: 'input.invalid', field: 'file' },
      may: [['report', 7, 'x']],
    }),
  ),
];

test.for(SCENARIOS)(
  '$title',
  async ({ exported = [], held = [], as = {}, edit, refused, may = [], mayNot = [] }) => {
    await using from = await opened({ ...IDENTITY, ...as });
    await using to = await opened();
    for (const row of exported) expect(await reserved(from, row)).toBe(true);
    for (const row of held) expect(await reserved(to, row)).toBe(true);
    const text = await exportSigning({ ...IDENTITY, ...as }, from.records);
    const file = Buffer.from(edit?.(text) ?? text);

    // Twice: the second import finds everything as it is.
    for (const _import of [1, 2]) {
      const imported = imports(file, to);
      if (refused === undefined) await imported;
      else
        await expect(imported).rejects.toMatchObject({
          code: refused.code,
          details: { field: refused.field },
        });
    }
    for (const row of mayNot) expect(await reserved(to, row), `not ${row.join(' ')}`).toBe(false);
    for (const row of may) expect(await reserved(to, row), row.join(' ')).toBe(true);
  },
);

describe('logs', () => {
  const SOURCE = 'eirel.network/log/v1/aa/36/5D/0';
  const at = (size: number, root = sha256(`root ${size}`)) => ({
    size,
    root,
    note: `a note\n\n— ${SOURCE} ${size}\n`,
  });
  const time = '2026-11-23T09:41:04.915Z';

  test.for([
    { held: null, file: 5, stands: 5 },
    { held: 3, file: 5, stands: 5 },
    { held: 5, file: 5, stands: 5 },
    { held: 8, file: 5, stands: 8 },
  ])('of the sizes $held here and $file in the file $stands stands', async (sizes) => {
    await using from = await opened();
    await using to = await opened();
    for (const [database, size] of [
      [from, sizes.file],
      [to, sizes.held],
    ] as const) {
      if (size === null) continue;
      await database.lock.begin({ source: SOURCE, time, ...at(size) });
      await database.witnessState.advance(null, { origin: SOURCE, ...at(size) });
    }
    await imports(Buffer.from(await exportSigning(IDENTITY, from.records)), to);
    expect(await to.lock.read(SOURCE)).toEqual({ source: SOURCE, time, ...at(sizes.stands) });
    expect(await to.witnessState.find(sha256(SOURCE))).toEqual({
      origin: SOURCE,
      ...at(sizes.stands),
    });
  });

  test.for(['own', 'cosigned'])('two roots of one size of an %s log are refused', async (which) => {
    await using from = await opened();
    await using to = await opened();
    for (const [database, root] of [
      [from, sha256('one')],
      [to, sha256('other')],
    ] as const) {
      if (which === 'own') await database.lock.begin({ source: SOURCE, time, ...at(5, root) });
      else await database.witnessState.advance(null, { origin: SOURCE, ...at(5, root) });
    }
    await expect(
      imports(Buffer.from(await exportSigning(IDENTITY, from.records)), to),
    ).rejects.toMatchObject({
      code: 'signing.refused',
      details: { field: expect.stringContaining(SOURCE), expected: `root ${sha256('other')}` },
    });
  });
});

test('an export of what was imported is the export', async () => {
  await using from = await opened();
  await using to = await opened();
  for (const row of [
    ['report', 10, 'a'],
    ['decision', 9, 'b'],
    ['report', 9, 'c'],
  ] as const)
    await reserved(from, row);
  const text = await exportSigning(IDENTITY, from.records);
  await imports(Buffer.from(text), to);
  expect(await exportSigning(IDENTITY, to.records)).toBe(text);
  expect(await to.records.watermarks()).toEqual(new Map([['general_chat', 10]]));
});

const row = fc.record({
  kind: fc.constantFrom('report' as const, 'commitment' as const, 'decision' as const),
  family: fc.constantFrom('general_chat', 'other'),
  run: fc.nat(4).map((sequence) => `run-${sequence}`),
  digest: fc.constantFrom('a', 'b').map(sha256),
});
const steps = fc.array(
  fc.oneof(
    { arbitrary: row, weight: 8 },
    { arbitrary: fc.constantFrom('reopen' as const, 'move' as const), weight: 1 },
  ),
  { maxLength: 40 },
);

test('whatever is reserved, reopened and moved, a slot never takes a second digest', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const signed = new Map<string, string>();
      const model = simulatedHistory(signed);
      const watermarks = new Map<string, number>();
      await using machines = new AsyncDisposableStack();
      let machine = machines.use(await opened());
      for (const step of sequence) {
        if (step === 'reopen') await machine.reopen();
        else if (step === 'move') {
          const file = Buffer.from(await exportSigning(IDENTITY, machine.records));
          machine = machines.use(await opened());
          await imports(file, machine);
          for (const slot of signed.keys()) {
            const [, family = '', run = ''] = slot.split(' ');
            watermarks.set(family, Math.max(watermarks.get(family) ?? 0, runSequence(run)));
          }
        } else {
          const { digest, ...slot } = step;
          const name = `${slot.kind} ${slot.family} ${slot.run}`;
          const barred = runSequence(slot.run) <= (watermarks.get(slot.family) ?? -1);
          const held = signed.get(name);
          const expected =
            barred && held === undefined ? 'conflict' : (await model.reserve(slot, digest)).kind;
          const reserved = await machine.history.reserve(slot, digest);
          expect(reserved.kind).toBe(expected);
          if (held !== undefined && held !== digest)
            expect(reserved).toEqual({ kind: 'conflict', digest: held });
        }
      }
    }),
    { numRuns: 60 },
  );
});

async function imports(file: Uint8Array, { records }: Pick<SigningDatabase, 'records'>) {
  return importSigning(parseInterchange(file, IDENTITY), records);
}

async function reserved({ history }: Pick<SigningDatabase, 'history'>, [kind, run, digest]: Row) {
  const slot = { kind, family: 'general_chat', run: `run-${run}` } as const;
  return (await history.reserve(slot, sha256(digest))).kind === 'reserved';
}

/** A database on a machine of its own; `reopen` is another process there. */
async function opened(identity: SigningIdentity = IDENTITY) {
  const directory = await scratchDirectory();
  let database = await openSigningDatabase(directory.path, identity);
  return {
    get history() {
      return database.history;
    },
    get records() {
      return database.records;
    },
    get lock() {
      return database.lock;
    },
    get witnessState() {
      return database.witnessState;
    },
    reopen: async () => {
      await database[Symbol.asyncDispose]();
      database = await openSigningDatabase(directory.path, identity);
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function replacing(from: string, to: string): (text: string) => string {
  return (text) => text.replace(from, to);
}

/** The same file with one row more, still canonical. */
function appendRow(text: string, [kind, run, digest]: Row): string {
  const file = decode(text) as { data: readonly Json[] }; // safe: it was just exported
  const row = { kind, family: 'general_chat', run: `run-${run}`, digest: sha256(digest) };
  return encode({ ...file, data: [...file.data, row] });
}
