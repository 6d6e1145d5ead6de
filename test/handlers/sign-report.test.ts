import { expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import { type ReportRequest, signReport } from '#src/handlers/sign-report.ts';
import { fakeSigner, hotkeyOf } from '../consensus/fake-keys.ts';
import { simulatedHistory } from '../support/simulated-history.ts';

const SELF = hotkeyOf('me');
const MINER = hotkeyOf('miner');
const REQUEST: ReportRequest = {
  genesis: sha256('genesis'),
  netuid: 36,
  family: 'general_chat',
  run: 'run-7',
  roster: sha256('roster'),
  snapshotBlock: 20,
  miners: [MINER],
  taskCount: 1,
  tallies: [{ miner: MINER, sum: 700_000_000, judged: 1, excused: 0 }],
};
const SLOT = 'report general_chat run-7';

/** Signs with this history; gives what was recorded, noted, and asked of the signer. */
async function sign(signed: Map<string, string>, changes: Partial<ReportRequest> = {}) {
  const recorded: DomainEvent[] = [];
  const reservedFirst: boolean[] = [];
  const signer = fakeSigner(SELF);
  const note = await signReport(
    { ...REQUEST, ...changes },
    {
      signer: {
        ...signer,
        sign: (message) => {
          reservedFirst.push(signed.has(SLOT));
          return signer.sign(message);
        },
      },
      history: simulatedHistory(signed),
      record: (events) => Promise.resolve(void recorded.push(...events)),
    },
  );
  return { recorded, note, reservedFirst };
}

test('a report is in the history before it is signed', async () => {
  const signed = new Map<string, string>();
  const { recorded, note, reservedFirst } = await sign(signed);
  expect({ note, reservedFirst }).toEqual({ note: null, reservedFirst: [true] });
  expect(recorded).toMatchObject([
    { type: 'report.signed.v1', data: { run: 'run-7', digest: signed.get(SLOT) } },
  ]);
});

test('the same report is signed again after a crash, and no other one of the run ever', async () => {
  const signed = new Map<string, string>();
  const [first] = (await sign(signed)).recorded;
  expect((await sign(signed)).recorded).toEqual([first]);

  const other = await sign(signed, { tallies: [{ miner: MINER, sum: 1, judged: 1, excused: 0 }] });
  expect(other).toMatchObject({ recorded: [], reservedFirst: [] });
  expect(other.note).toContain(
    `is not signed as the report of general_chat run-7: ${signed.get(SLOT)} was signed as that before`,
  );
  expect((await sign(signed, { run: 'run-8', roster: sha256('next') })).recorded).toHaveLength(1);
});

test('where only that something was signed is known, nothing is signed', async () => {
  const recorded: DomainEvent[] = [];
  const note = await signReport(REQUEST, {
    signer: fakeSigner(SELF),
    history: { reserve: () => Promise.resolve({ kind: 'conflict', digest: null }) },
    record: (events) => Promise.resolve(void recorded.push(...events)),
  });
  expect(recorded).toEqual([]);
  expect(note).toMatch(/^signing.refused: .*: the imported signing history ends with this run/);
});

test.for([
  { taskCount: 8, judged: 3, counted: false },
  { taskCount: 3, judged: 3, counted: true },
  { taskCount: 3, judged: 2, counted: true },
  { taskCount: 3, judged: 1, counted: false },
])(
  'a miner that was judged on $judged of $taskCount tasks that count is reported: $counted',
  async ({ taskCount, judged, counted }) => {
    const sum = judged * 900_000_000;
    const tallies = [{ miner: MINER, sum, judged, excused: 0 }];
    const { recorded } = await sign(new Map(), { taskCount, tallies });
    const [report] = recorded;
    const { body, coverage } = report?.type === 'report.signed.v1' ? report.data : NOTHING;
    expect(JSON.parse(body)).toMatchObject({ scores: counted ? { [MINER]: 900_000_000 } : {} });
    expect(coverage).toEqual([{ miner: MINER, judged, excused: 0, missing: taskCount - judged }]);
  },
);

const NOTHING = { body: '{}', coverage: [] };
