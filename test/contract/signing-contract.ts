import { describe, expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import type { SigningHistory } from '#src/handlers/signing-history.ts';
import type { Lock } from '#src/sequencer/lock.ts';
import type { WitnessState } from '#src/sequencer/witness.ts';

/** An empty place for what is signed. */
export type SigningSite = Readonly<{
  lock: Lock;
  history: SigningHistory;
  witnessState: WitnessState;
}> &
  AsyncDisposable;

const REPORT = { kind: 'report', family: 'general_chat', run: 'run-7' } as const;
const [ONE, OTHER] = [sha256('one'), sha256('other')];
const SOURCE = 'eirel.network/log/v1/aa/36/5D/0';

/** The last signed checkpoint of a log, and what was cosigned of it. */
const locked = (size: number, root = sha256(`root ${size}`)) => ({
  source: SOURCE,
  size,
  root,
  note: `note of ${size}`,
  time: '2026-11-23T09:41:04.915Z',
});
const cosigned = (size: number, root = sha256(`root ${size}`)) => ({
  origin: SOURCE,
  size,
  root,
  note: `note of ${size}`,
});

/** What every lock, signing history and state of a witness does. */
export function signingContract(name: string, open: () => Promise<SigningSite>): void {
  describe(`the history in ${name}`, () => {
    historyContract(open);
  });
  describe(`the lock in ${name}`, () => {
    lockContract(open);
  });
  describe(`what was cosigned in ${name}`, () => {
    witnessContract(open);
  });
}

function historyContract(open: () => Promise<SigningSite>): void {
  test('gives a slot to the first digest, and to no other', async () => {
    await using site = await open();
    const { reserve } = site.history;
    expect(await reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
    expect(await reserve(REPORT, ONE)).toEqual({ kind: 'reserved' });
    expect(await reserve(REPORT, OTHER)).toEqual({ kind: 'conflict', digest: ONE });
  });

  test('keeps kinds, families and runs apart', async () => {
    await using site = await open();
    const slots = [
      REPORT,
      { ...REPORT, kind: 'commitment' },
      { ...REPORT, kind: 'decision' },
      { ...REPORT, kind: 'decision', family: 'another' },
      { ...REPORT, run: 'run-70' },
      { ...REPORT, run: 'run-70', family: 'another' },
      { ...REPORT, run: 'run-6' },
    ] as const;
    for (const [index, slot] of slots.entries())
      expect(await site.history.reserve(slot, sha256(`${index}`))).toEqual({ kind: 'reserved' });
  });

  test.for([
    ['report', 'commitment'],
    ['commitment', 'report'],
    ['commitment', 'commitment'],
  ] as const)(
    'after a %s of one family refuses a %s of another run of that number, which would be evidence',
    async ([first, second]) => {
      await using site = await open();
      const { reserve } = site.history;
      await reserve({ ...REPORT, kind: first }, ONE);
      const other = { ...REPORT, kind: second, family: 'another' } as const;
      expect(await reserve(other, OTHER)).toEqual({ kind: 'conflict', digest: ONE });
      expect(await reserve({ ...other, run: 'run-8' }, OTHER)).toEqual({ kind: 'reserved' });
    },
  );

  test('of reservations at once in one slot lets one through', async () => {
    await using site = await open();
    const digests = Array.from({ length: 20 }, (_, index) => sha256(`${index}`));
    const all = await Promise.all(digests.map((each) => site.history.reserve(REPORT, each)));
    expect(all.filter(({ kind }) => kind === 'reserved')).toHaveLength(1);
  });
}

function lockContract(open: () => Promise<SigningSite>): void {
  test('is begun once, and tells what was begun', async () => {
    await using site = await open();
    const { lock } = site;
    expect(await lock.read(SOURCE)).toBeNull();
    expect(await lock.sources()).toEqual([]);
    expect(await lock.begin(locked(1))).toBe('begun');
    expect(await lock.begin(locked(2))).toBe('exists');
    expect(await lock.begin({ ...locked(0), source: 'another' })).toBe('begun');
    expect(await lock.read(SOURCE)).toEqual(locked(1));
    expect(await lock.sources()).toEqual(['another', SOURCE]);
  });

  test('moves only from exactly what it holds', async () => {
    await using site = await open();
    const { lock } = site;
    expect(await lock.advance(locked(1), locked(2))).toBe('stale');
    await lock.begin(locked(1));
    expect(await lock.advance(locked(1), locked(5))).toBe('advanced');
    expect(await lock.advance(locked(1), locked(6))).toBe('stale');
    expect(await lock.advance(locked(5, OTHER), locked(6))).toBe('stale');
    expect(await lock.advance({ ...locked(5), note: 'another' }, locked(6))).toBe('stale');
    expect(await lock.read(SOURCE)).toEqual(locked(5));
  });

  test('lets one of two writers with one state go on', async () => {
    await using site = await open();
    await site.lock.begin(locked(1));
    const both = [locked(2), locked(2, OTHER)].map((to) => site.lock.advance(locked(1), to));
    expect(await Promise.all(both)).toEqual(['advanced', 'stale']);
  });
}

function witnessContract(open: () => Promise<SigningSite>): void {
  test('moves only from the size and root that it holds, whatever its note', async () => {
    await using site = await open();
    const { witnessState: state } = site;
    expect(await state.read(SOURCE)).toBeNull();
    expect(await state.find(sha256(SOURCE))).toBeNull();
    expect(await state.advance(cosigned(1), cosigned(2))).toBe('stale');
    expect(await state.advance(null, cosigned(1))).toBe('advanced');
    expect(await state.advance(null, cosigned(2))).toBe('stale');
    expect(await state.advance({ ...cosigned(1), note: 'another' }, cosigned(3))).toBe('advanced');
    expect(await state.advance(cosigned(1), cosigned(4))).toBe('stale');
    expect(await state.advance(cosigned(3, OTHER), cosigned(4))).toBe('stale');
    expect(await state.read(SOURCE)).toEqual(cosigned(3));
    expect(await state.find(sha256(SOURCE))).toEqual(cosigned(3));
  });

  test('answers one of two requests that were checked against one state', async () => {
    await using site = await open();
    const both = [cosigned(2), cosigned(2, OTHER)].map((to) => site.witnessState.advance(null, to));
    expect(await Promise.all(both)).toEqual(['advanced', 'stale']);
  });
}
