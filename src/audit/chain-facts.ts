import { type ChainSlot, type ReadRange, readSlots } from '../consensus/commitment-reads.ts';
import { type Seen, type SeenMetagraph, seeSnapshot } from '../consensus/snapshot.ts';
import { encode, type Json } from '../events/ej1.ts';
import type { Snapshot } from '../events/snapshot.ts';
import type { Faults } from './fault.ts';
import type { Data } from './run-record.ts';
import { differenceOf } from './snapshot-difference.ts';

/** What a node of the chain says, or why it does not. */
export type Told<T> =
  | Readonly<{ known: true; value: T }>
  | Readonly<{ known: false; detail: string }>;

/** A node of the auditor's choice: it alone is believed in what it says of the chain. */
export type ChainView = Readonly<{
  metagraph: (block: number) => Promise<Told<SeenMetagraph>>;
  commitments: (
    hotkeys: readonly string[],
    range: Pick<ReadRange, 'after' | 'upTo'>,
  ) => Promise<Told<readonly ChainSlot[]>>;
}>;

/** What an event says of the chain, and what there is to know to ask the chain the same. */
export type ChainFact =
  | Readonly<{ about: 'snapshots'; n: number; said: Snapshot; miners: readonly string[] }>
  | Readonly<{
      about: 'commitments';
      n: number;
      range: ReadRange;
      said: Data<'commitments.read.v1'>['found'];
    }>
  | Readonly<{
      about: 'anchors';
      n: number;
      range: ReadRange;
      said: Data<'anchors.read.v1'>['anchors'];
    }>;

/** Facts of one kind: those that the chain was asked for, those that are the same there, and those that it did not tell. */
type Counted = Readonly<{
  checked: number;
  equal: number;
  unchecked: number;
  /** Why the first of those was not told; null where all were. */
  detail: string | null;
}>;

/** What the comparison of a log with the chain came to. */
export type ChainVerdict = Readonly<Record<ChainFact['about'], Counted>> &
  Readonly<{
    /** Snapshots without voters that the chain would let vote: a stake that the validator asks for and the log does not name. */
    floor: StakeFloor | null;
  }>;

/** Between which stakes, in rao, the least lies that a voter has to have. */
type StakeFloor = Readonly<{ snapshots: number; above: string; upTo: string }>;

export type ChainCheck = Readonly<{
  /** Notes what an event says. */
  note: (fact: ChainFact) => void;
  /** Asks the chain for all that was noted, and tells what differs. */
  settle: () => Promise<void>;
  verdict: () => ChainVerdict;
}>;

/**
 * Holds what a log says of the chain against the chain, by the functions that the validator itself uses. What the
 * node does not tell, because it has no state of so old a block, is counted and never passes for checked.
 */
export function createChainCheck(chain: ChainView, faults: Faults): ChainCheck {
  const state: State = {
    counts: { snapshots: newCount(), commitments: newCount(), anchors: newCount() },
    floor: null,
    last: null,
  };
  let noted: ChainFact[] = [];
  return {
    note: (fact) => noted.push(fact),
    settle: async () => {
      const facts = noted;
      noted = [];
      for (const fact of facts) {
        if (faults.full()) return;
        const found = await compare(fact, chain, state);
        count(state.counts[fact.about], found);
        if (found.kind !== 'differs') continue;
        const { expected, found: said } = found;
        faults.add({ code: 'chain-differs', index: fact.n, expected, found: said });
      }
    },
    verdict: () => ({ ...state.counts, floor: state.floor }),
  };
}

type Found =
  | Readonly<{ kind: 'equal' }>
  | Readonly<{ kind: 'differs'; expected: string; found: string }>
  | Readonly<{ kind: 'unchecked'; detail: string }>;

type Count = { -readonly [Field in keyof Counted]: Counted[Field] };

type State = {
  counts: Record<ChainFact['about'], Count>;
  floor: StakeFloor | null;
  /** The newest answer on commitments: the same one tells the anchors of the same blocks. */
  last: Readonly<{ key: string; told: Told<readonly ChainSlot[]> }> | null;
};

function newCount(): Count {
  return { checked: 0, equal: 0, unchecked: 0, detail: null };
}

function count(counted: Count, found: Found): void {
  if (found.kind === 'unchecked') {
    counted.unchecked += 1;
    counted.detail ??= found.detail;
    return;
  }
  counted.checked += 1;
  if (found.kind === 'equal') counted.equal += 1;
}

async function compare(fact: ChainFact, chain: ChainView, state: State): Promise<Found> {
  if (fact.about === 'snapshots') {
    const told = await chain.metagraph(fact.said.block);
    return told.known ? compareSnapshot(fact, told.value, state) : unchecked(told.detail);
  }
  const { range, said } = fact;
  const told = await slotsOf(range, chain, state);
  if (!told.known) return unchecked(told.detail);
  const { found, anchors } = readSlots(told.value, range);
  const expected = encodeAny(fact.about === 'commitments' ? found : anchors);
  const same = encodeAny(said);
  return expected === same ? { kind: 'equal' } : { kind: 'differs', expected, found: same };
}

function compareSnapshot(
  { said, miners }: Extract<ChainFact, { about: 'snapshots' }>,
  metagraph: SeenMetagraph,
  state: State,
): Found {
  const all = seeSnapshot(metagraph, { miners, minStake: 0n });
  if (isSame(all, said)) return { kind: 'equal' };
  // How much stake a voter has to have is the validator's own setting: no more than the least that it lists.
  const least = said.voters
    .map(({ stake }) => BigInt(stake))
    .reduce<bigint | null>((low, stake) => (low === null || stake < low ? stake : low), null);
  const seen = seeSnapshot(metagraph, { miners, minStake: least ?? 0n });
  if (seen.kind === 'unusable') {
    const expected = `no snapshot, ${seen.reason}: ${seen.detail}`;
    return { kind: 'differs', expected, found: encodeAny(said) };
  }
  if (!isSame(seen, said)) return { kind: 'differs', ...differenceOf(seen.snapshot, said) };
  if (all.kind === 'snapshot' && least !== null)
    state.floor = floorWith(state.floor, all.snapshot, least);
  return { kind: 'equal' };
}

function isSame(seen: Seen, said: Snapshot): boolean {
  return seen.kind === 'snapshot' && encode(seen.snapshot) === encode(said);
}

/** A floor that leaves out everybody below `least`: above the greatest stake that was left out, up to the least that was not. */
function floorWith(floor: StakeFloor | null, { voters }: Snapshot, least: bigint): StakeFloor {
  const left = voters.map(({ stake }) => BigInt(stake)).filter((stake) => stake < least);
  const above = left.reduce(
    (high, stake) => (stake > high ? stake : high),
    BigInt(floor?.above ?? 0),
  );
  const before = floor === null ? least : BigInt(floor.upTo);
  const upTo = least < before ? least : before;
  return {
    snapshots: (floor?.snapshots ?? 0) + 1,
    above: above.toString(),
    upTo: upTo.toString(),
  };
}

async function slotsOf(
  { hotkeys, after, upTo }: ReadRange,
  chain: ChainView,
  state: State,
): Promise<Told<readonly ChainSlot[]>> {
  const key = encode([...hotkeys, after, upTo]);
  if (state.last?.key !== key)
    state.last = { key, told: await chain.commitments(hotkeys, { after, upTo }) };
  return state.last.told;
}

function unchecked(detail: string): Found {
  return { kind: 'unchecked', detail };
}

function encodeAny(value: unknown): string {
  return encode(value as Json); // safe: every schema of the catalogue is JSON
}
