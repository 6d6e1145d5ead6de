import { compactToU8a } from '@polkadot/util/cjs/index';
import { blake2b256 } from './hex.ts';

/** What a block's hash is of. Hashes are 64 hex digits, as everywhere in this folder but the JSON-RPC. */
export type Header = Readonly<{
  parentHash: string;
  number: number;
  /** Of the trie of the state at the end of the block. */
  stateRoot: string;
  extrinsicsRoot: string;
  /** Counts the forks before this block: two branches have different hashes though nothing else differs. */
  branch: number;
}>;

/** The hash of the SCALE header, which a client can compute from the header's JSON. */
export function headerHash({
  parentHash,
  number,
  stateRoot,
  extrinsicsRoot,
  branch,
}: Header): string {
  return blake2b256(
    Buffer.concat([
      Buffer.from(parentHash, 'hex'),
      compactToU8a(number),
      Buffer.from(stateRoot, 'hex'),
      Buffer.from(extrinsicsRoot, 'hex'),
      compactToU8a(1),
      branchLog(branch),
    ]),
  );
}

/** A header as the JSON-RPC writes it. */
export function headerJson(header: Header) {
  return {
    parentHash: `0x${header.parentHash}`,
    number: `0x${header.number.toString(16)}`,
    stateRoot: `0x${header.stateRoot}`,
    extrinsicsRoot: `0x${header.extrinsicsRoot}`,
    digest: { logs: [`0x${branchLog(header.branch).toString('hex')}`] },
  };
}

/** The digest's one item: `Other` (variant 0) with four bytes. */
function branchLog(branch: number): Buffer {
  const log = Buffer.alloc(6);
  log[1] = 4 << 2; // the compact length
  log.writeUInt32LE(branch, 2);
  return log;
}
