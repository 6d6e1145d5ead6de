import { z } from 'zod';
import type { Known } from './chain.ts';
import type { Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { known, unavailable } from './known.ts';
import type { At } from './reads.ts';

/** The extrinsics of a block in their order, in `0x` hex. 'unavailable' when the node has no body of it. */
export async function readBody(
  { block, blockHash }: At,
  { link }: { readonly link: Link },
): Promise<Known<readonly string[]>> {
  const answer = await link.call('chain_getBlock', [`0x${blockHash}`]);
  if (answer === null) return unavailable(`the node has no body of block ${block}`);
  const body = parseAnswer(SignedBlock, answer, `block ${block}`);
  return body.known ? known(body.value.block.extrinsics) : body;
}

const SignedBlock = z.object({ block: z.object({ extrinsics: z.array(z.string()) }) });
