import type { ChainVerdict } from '../../audit/chain-facts.ts';

/** How what a log says of the chain compares with the chain, a row for each kind of fact. */
export function tellChain(
  chain: ChainVerdict | null,
  events: Readonly<Record<string, number>>,
): readonly (readonly [string, string])[] {
  const rows = KINDS.map((kind) => [kind.row, countedOf(kind, chain, events)] as const);
  const floor = chain?.floor ?? null;
  if (floor === null) return rows;
  const { snapshots, above, upTo } = floor;
  const told = `${snapshots} snapshots leave out who has ${above} rao or less, and list who has ${upTo}: compare EIREL_MIN_STAKE_RAO with the others'`;
  return [...rows, ['least stake', told]];
}

type Kind = Readonly<{
  kind: Exclude<keyof ChainVerdict, 'floor'>;
  row: string;
  /** What is counted. */
  noun: string;
  /** The event by which a log says that the chain did not tell. */
  missed: string | null;
}>;

const KINDS: readonly Kind[] = [
  { kind: 'snapshots', row: 'snapshots', noun: 'snapshots', missed: 'snapshot.missed.v1' },
  {
    kind: 'commitments',
    row: 'commitments',
    noun: 'reads of commitments',
    missed: 'commitments.missed.v1',
  },
  { kind: 'anchors', row: 'peer anchors', noun: 'reads of anchors', missed: null },
];

function countedOf(
  { kind, noun, missed }: Kind,
  chain: ChainVerdict | null,
  events: Readonly<Record<string, number>>,
): string {
  if (chain === null) return `${noun} not checked: no --rpc`;
  const { checked, equal, unchecked, detail } = chain[kind];
  const unheard = missed === null ? 0 : (events[missed] ?? 0);
  return [
    ...(checked > 0 || unchecked === 0
      ? [`${checked} compared with the chain, ${equal} equal`]
      : []),
    ...(unchecked > 0 ? [`not checked: ${unchecked} ${noun}, ${detail ?? ''}`] : []),
    ...(unheard > 0 ? [`${unheard} times the chain did not tell, by the log's word alone`] : []),
  ].join('; ');
}
