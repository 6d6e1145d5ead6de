import type { SimulatedNetwork } from './simulated-network.ts';
import {
  decisionOf,
  hostOf,
  nodeOf,
  recordedOf,
  type Subnet,
  startSubnet,
} from './simulated-run.ts';
import type { SimulatedNode } from './simulated-subnet.ts';

export type LyingSubnet = Awaited<ReturnType<typeof startLyingSubnet>>;

/** Four validators, of which v4 lies; with an eighth of the stake it can win nothing. */
export async function startLyingSubnet() {
  const subnet: Subnet = await startSubnet();
  const liar = nodeOf(subnet, 'v4');
  const honest = ['v1', 'v2', 'v3'].map((name) => nodeOf(subnet, name));
  return {
    ...subnet,
    liar,
    honest,
    /** What the liar answers, and to whom, instead of the truth; null lets it be. */
    lie: (answer: (url: URL, asker: string) => Awaited<ReturnType<SimulatedNetwork['tamper']>>) => {
      subnet.network.tamper = (url, asker) =>
        Promise.resolve(url.host === hostOf(liar) ? answer(url, asker) : null);
    },
    /** What the liar's report counts as in the honest decision, which must not differ in a byte. */
    decided: (sequence = 1) => sharedDecision(honest, liar, sequence),
    /** What each honest validator refused of peers' reports. */
    refusals: (sequence = 1) =>
      Promise.all(honest.map((node) => recordedOf(node, 'peer-report.rejected.v1', sequence))),
    /** The vectors that the honest validators have set. */
    weights: () => honest.map(({ signer }) => subnet.chain.state.weights.get(signer.hotkey)),
  };
}

async function sharedDecision(
  honest: readonly SimulatedNode[],
  { signer }: SimulatedNode,
  sequence: number,
) {
  const [first, ...others] = await Promise.all(honest.map((node) => decisionOf(node, sequence)));
  if (first === undefined) throw new Error('nobody is honest');
  for (const other of others)
    if (JSON.stringify(other) !== JSON.stringify(first))
      throw new Error(`decisions differ: ${JSON.stringify([first, other])}`);
  const input = first.inputs.reports.find(({ hotkey }) => hotkey === signer.hotkey);
  if (input === undefined) throw new Error('the liar votes');
  const { status, reason, digest } = input;
  return { decision: first.decision, status, reason, digest };
}
