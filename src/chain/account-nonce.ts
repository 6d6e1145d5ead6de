import { z } from 'zod';
import type { Known } from './chain.ts';
import type { Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { known, unavailable } from './known.ts';
import { type At, readStorage } from './reads.ts';

/** How many extrinsics a hotkey has had included up to a block. Transport errors are thrown. */
export async function readNonce(
  hotkey: string,
  at: At,
  { link }: { readonly link: Link },
): Promise<Known<number>> {
  const stored = await readStorage({ account: ['system', 'account', hotkey] }, at, link);
  if (!stored.known) return stored;
  const answer = parseAnswer(Account, stored.value, 'account');
  return answer.known ? known(answer.value.account.nonce) : answer;
}

/**
 * The nonce of a hotkey's next extrinsic. 'unavailable' while the node has one of this hotkey in its pool or in a
 * block that is not final: whoever signed that one, its outcome is not known yet, and what is signed beside it
 * could do the same a second time. A log that was restored from an older copy does not know of it, nor does
 * another process with the same hotkey. Transport errors are thrown.
 */
export async function readNextNonce(
  hotkey: string,
  finalized: At,
  deps: { readonly link: Link },
): Promise<Known<number>> {
  const next = parseAnswer(
    z.int().min(0),
    await deps.link.call('system_accountNextIndex', [hotkey]),
    'next nonce',
  );
  if (!next.known) return next;
  const included = await readNonce(hotkey, finalized, deps);
  if (!included.known || next.value <= included.value) return included;
  return unavailable(
    `extrinsic ${included.value} of ${hotkey} is under way: by final block ${finalized.block} nothing is known of its end`,
  );
}

const Account = z.object({ account: z.object({ nonce: z.int().min(0) }) });
