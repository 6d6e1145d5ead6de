import { z } from 'zod';
import type { Known } from './chain.ts';
import type { Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { readFinalized } from './finalized.ts';
import { known } from './known.ts';
import { readStorage } from './reads.ts';

/** The node that answers at present: its address as it may be shown, and its runtime's version. */
export type NodeFacts = Readonly<{
  endpoint: string;
  spec: number;
  /** The chain's own time at the node's newest finalised block. */
  timestampMs: number;
}>;

/** Transport errors are thrown. */
export async function readNode({ link }: { readonly link: Link }): Promise<Known<NodeFacts>> {
  const at = await readFinalized({ link });
  if (!at.known) return at;
  const stored = await readStorage({ now: ['timestamp', 'now'] }, at.value, link);
  if (!stored.known) return stored;
  const timestamp = parseAnswer(Timestamp, stored.value, 'timestamp');
  if (!timestamp.known) return timestamp;
  const { endpoint, spec } = link;
  return known({ endpoint, spec, timestampMs: timestamp.value.now });
}

const Timestamp = z.object({ now: z.int().min(1) });
