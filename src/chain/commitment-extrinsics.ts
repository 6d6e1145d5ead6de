import { z } from 'zod';
import {
  birthOf,
  type CommitmentExtrinsic,
  type CommitmentStatement,
  decodeCommitmentExtrinsic,
  verifyCommitmentStatement,
} from '../consensus/commitment-extrinsic.ts';
import { blake2b256 } from './blake2b.ts';
import { readBody } from './block-body.ts';
import type { Known, SignedCommitment } from './chain.ts';
import { isStateMissing, type Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { readFinalizedAt, readHash } from './finalized.ts';
import { publicKeyOf, verifySr25519 } from './hotkey.ts';
import { known, malformed, unavailable } from './known.ts';

type Request = Readonly<{
  netuid: number;
  genesis: string;
  hotkey: string;
  blocks: readonly number[];
}>;
type Deps = Readonly<{ link: Link }>;

/**
 * The signed `set_commitment` extrinsics of a hotkey in the bodies of finalised blocks, each with what its
 * signature covers, so that it verifies without the chain: that was done before it is given. A block that
 * holds none is named with the reason. 'unavailable' when the node lacks a block, or the state that tells
 * which runtime an old signature is for. Transport errors are thrown.
 */
export async function readCommitmentExtrinsics(
  request: Request,
  deps: Deps,
): Promise<Known<readonly SignedCommitment[]>> {
  const blocks = [...new Set(request.blocks)].toSorted((a, b) => a - b);
  const found: SignedCommitment[] = [];
  for (const block of blocks) {
    const read = await readBlock(block, request, deps);
    if (!read.known) return read;
    found.push(...read.value);
  }
  return known(found);
}

type Commitment = Extract<CommitmentExtrinsic, { kind: 'commitment' }>;

async function readBlock(
  block: number,
  request: Request,
  deps: Deps,
): Promise<Known<readonly SignedCommitment[]>> {
  const at = await readFinalizedAt(block, deps);
  if (!at.known) return at;
  const body = await readBody(at.value, deps);
  if (!body.known) return body;
  const publicKey = publicKeyOf(request.hotkey);
  if (publicKey === undefined) return malformed(`${request.hotkey} is no hotkey`);
  const signer = Buffer.from(publicKey).toString('hex');
  const signed: SignedCommitment[] = [];
  let detail = 'no set_commitment in its body is signed by the hotkey itself';
  for (const extrinsic of body.value) {
    const bytes = extrinsic.slice(2);
    const decoded = decodeCommitmentExtrinsic(Buffer.from(bytes, 'hex'));
    if (decoded.kind === 'other' || decoded.signer !== signer) continue;
    if (decoded.netuid !== request.netuid) continue;
    const proved = await prove(bytes, decoded, { ...request, block }, deps);
    if (!proved.known) return proved;
    if (typeof proved.value === 'string') detail = proved.value;
    else signed.push({ kind: 'signed', block, fields: decoded.fields, statement: proved.value });
  }
  return known(signed.length > 0 ? signed : [{ kind: 'not-portable', block, detail }]);
}

/** The statement of an extrinsic, with a signature that holds; or why there is none. */
async function prove(
  extrinsic: string,
  decoded: Commitment,
  { hotkey, genesis, block }: Request & { readonly block: number },
  deps: Deps,
): Promise<Known<CommitmentStatement | string>> {
  if (decoded.coversMetadata)
    return known('its signature covers a hash of the metadata, which no node tells');
  const blockHash = await birthHash(decoded, { genesis, block }, deps);
  if (!blockHash.known) return blockHash;
  const verified = (versions: Versions): CommitmentStatement | null => {
    const covers = { ...versions, blockHash: blockHash.value, metadataHash: null };
    const statement = { hotkey, extrinsic, covers };
    const holds = verifyCommitmentStatement(statement, genesis, {
      verify: verifySr25519,
      blake2b256,
    });
    return holds ? statement : null;
  };
  // Most are of the runtime that the connection knows; what ran an older block only that block's state tells.
  const statement = verified(ownVersions(deps));
  if (statement !== null) return known(statement);
  const versions = await versionsAt(block, deps);
  if (!versions.known) return versions;
  return known(
    verified(versions.value) ??
      `its signature does not hold over the payload of spec ${versions.value.specVersion}`,
  );
}

async function birthHash(
  decoded: Commitment,
  { genesis, block }: Readonly<{ genesis: string; block: number }>,
  deps: Deps,
): Promise<Known<string>> {
  const birth = birthOf(decoded, block);
  if (birth === null) return known(genesis);
  return hashOf(birth, deps);
}

type Versions = z.infer<typeof Versions>;
const U32 = z.int().min(0).max(0xffff_ffff);
const Versions = z.object({ specVersion: U32, transactionVersion: U32 });

function ownVersions({ link: { api } }: Deps): Versions {
  const { specVersion, transactionVersion } = api.runtimeVersion;
  return {
    specVersion: specVersion.toNumber(),
    transactionVersion: transactionVersion.toNumber(),
  };
}

/** The runtime that ran a block: the one in the state of its parent. */
async function versionsAt(block: number, deps: Deps): Promise<Known<Versions>> {
  const parent = await hashOf(block - 1, deps);
  if (!parent.known) return parent;
  const what = `runtime version at block ${block - 1}`;
  try {
    const answer = await deps.link.call('state_getRuntimeVersion', [`0x${parent.value}`]);
    return parseAnswer(Versions, answer, what);
  } catch (error) {
    if (!isStateMissing(error)) throw error;
    return unavailable(`${what}: the node has discarded the state; ${error.message}`);
  }
}

async function hashOf(block: number, deps: Deps): Promise<Known<string>> {
  const hash = await readHash(block, deps);
  if (!hash.known) return hash;
  return hash.value === null
    ? unavailable(`the node does not know block ${block}`)
    : known(hash.value);
}
