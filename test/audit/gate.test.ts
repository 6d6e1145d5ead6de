import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkGate } from '#src/audit/check-gate.ts';
import { countGate, type GateRun } from '#src/audit/gate.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { DIVERGENCE_TYPE } from '#src/events/divergence.ts';
import { decodeBytes, encode, type Json } from '#src/events/ej1.ts';
import { divergence, divergenceSummary } from '#src/projectors/divergence.ts';
import { devSigner } from '../support/dev-keys.ts';
import { digest, hotkey, project } from '../support/recorded-events.ts';

const FAMILY = 'general_chat';
const SELF = devSigner('v1');
const DEPS = { verify: verifySr25519 };
type DivergenceData = Extract<DomainEvent, { type: 'divergence.recorded.v1' }>['data'];

function recordOf(run: string, at: number): DivergenceData {
  const winner = hotkey('m');
  return {
    family: FAMILY,
    run,
    consensusWinner: at % 4 === 3 ? null : winner,
    ownerWinner: at % 3 === 0 ? hotkey('n') : winner,
    topOneAgrees: at % 4 === 3 ? null : at % 3 !== 0,
    rank: at % 5 === 0 ? null : { n: 3, num: String(at - 4), denA: '16', denB: '9' },
    overlap: at % 2 === 0 ? { k: 3, common: 2 } : null,
    inputs: digest('a'),
    owner: digest('b'),
  };
}

/** Closed runs, in any order, of which some were compared and some came up again. */
const runs = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 30 }).chain((sequences) =>
  fc.tuple(
    ...sequences.map((sequence) =>
      fc.record({ recorded: fc.boolean(), repeated: fc.nat({ max: 2 }) }).map(
        ({ recorded, repeated }): GateRun => ({
          run: `run-${sequence}`,
          record: recorded ? recordOf(`run-${sequence}`, sequence) : null,
          repeated: recorded ? repeated : 0,
        }),
      ),
    ),
  ),
);

function eventsOf(closed: readonly GateRun[]): readonly DomainEvent[] {
  return closed.flatMap(({ run, record, repeated }): DomainEvent[] => [
    { type: 'run.closed.v1', data: { family: FAMILY, run, reason: 'requested' } },
    ...(record === null ? [] : [{ type: 'divergence.recorded.v1', data: record } as const]),
    ...Array.from({ length: repeated }, (_, at): DomainEvent => {
      const data = { family: FAMILY, run, inputs: digest('a'), owner: digest(String(at)) };
      return { type: 'divergence.repeated.v1', data };
    }),
  ]);
}

test('the figures that an auditor counts are those that a validator serves, over any runs and window', async () => {
  await fc.assert(
    fc.asyncProperty(runs, fc.integer({ min: 1, max: 40 }), async (closed, window) => {
      await using projected = await project(divergence, eventsOf(closed));
      const { records, ...figures } = await divergenceSummary(projected.queries, FAMILY, window);
      expect(countGate(closed, window)).toEqual(figures);
      expect(records.length).toBe(figures.recorded);
    }),
    { numRuns: 25 },
  );
});

const CLOSED: readonly GateRun[] = Array.from({ length: 12 }, (_, at) => {
  const run = `run-${at + 1}`;
  return { run, record: at === 6 ? null : recordOf(run, at), repeated: at === 2 ? 1 : 0 };
});
const QUESTION = { family: FAMILY, hotkey: SELF.hotkey, window: 8 };

let projected: Awaited<ReturnType<typeof project>>;
beforeAll(async () => {
  projected = await project(divergence, eventsOf(CLOSED));
});
afterAll(() => projected[Symbol.asyncDispose]());

/** The summary as a validator signs it. */
async function summary(signer = SELF, window = QUESTION.window): Promise<Uint8Array> {
  const figures = await divergenceSummary(projected.queries, FAMILY, window);
  const body = encode({
    v: 'eirel/divergence/1',
    family: FAMILY,
    hotkey: SELF.hotkey,
    ...figures,
  } as Json); // safe: JSON
  return encodeDocument(signDocument(DIVERGENCE_TYPE, body, signer));
}

test('a closed run that was not compared counts as missing', () => {
  expect(countGate(CLOSED, 20)).toMatchObject({ runs: 12, recorded: 11, missing: 1, repeated: 1 });
  expect(countGate(CLOSED, 3)).toMatchObject({
    window: { size: 3, firstRun: 'run-10', lastRun: 'run-12' },
    runs: 3,
    missing: 0,
  });
  expect(countGate([], 3)).toMatchObject({ window: { firstRun: null, lastRun: null }, runs: 0 });
});

test('a summary with the figures of the log has no fault', async () => {
  expect(checkGate(await summary(), CLOSED, QUESTION, DEPS)).toEqual([]);
});

test('a summary that leaves out a run that disagrees differs', async () => {
  const dropped = CLOSED.filter(({ run }) => run !== 'run-9');
  expect(checkGate(await summary(), dropped, QUESTION, DEPS)).toMatchObject([
    { code: 'gate-differs' },
  ]);
});

test('a summary over another window, signed by another hotkey, or altered is none', async () => {
  const codes = (document: Uint8Array): readonly string[] =>
    checkGate(document, CLOSED, QUESTION, DEPS).map(({ code }) => code);
  expect(codes(await summary(SELF, 7))).toEqual(['gate-differs']);
  expect(codes(await summary(devSigner('v2')))).toEqual(['signature-invalid']);
  expect(codes(Buffer.from('{}'))).toEqual(['gate-differs']);
  const document = decodeBytes(await summary()) as Readonly<Record<string, Json>>; // safe: a document is an object
  const retyped = Buffer.from(encode({ ...document, type: 'application/json' }));
  expect(codes(retyped)).toEqual(['gate-differs']);
});
