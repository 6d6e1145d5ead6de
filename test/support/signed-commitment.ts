import { blake2b256 } from '#src/chain/blake2b.ts';
import { publicKeyOf } from '#src/chain/hotkey.ts';
import type { CommitmentStatement } from '#src/consensus/commitment-extrinsic.ts';
import type { Signer } from '#src/consensus/keys.ts';
import { sha256 } from '#src/events/hash.ts';
import { compact, textField, u16, u32, vector } from './scale-bytes.ts';

type Content = Readonly<{
  genesis: string;
  netuid: number;
  fields: readonly string[];
  /** Two bytes of a mortal era, or one of none. */
  era?: Uint8Array;
  nonce?: number;
  covers?: Partial<CommitmentStatement['covers']>;
  /** Pallet and call. */
  call?: readonly [number, number];
}>;

/** A `set_commitment` that its hotkey signed, by hand, as polkadot.js would encode it for spec 343. */
export function signedCommitment(signer: Signer, content: Content): CommitmentStatement {
  const {
    genesis,
    netuid,
    fields,
    nonce = 0,
    era = Buffer.of(0x26, 0x05),
    call = [18, 0],
  } = content;
  const covers = {
    specVersion: 343,
    transactionVersion: 1,
    blockHash: sha256('block of birth'),
    metadataHash: null,
    ...content.covers,
  };
  const { specVersion, transactionVersion, blockHash, metadataHash } = covers;
  const called = Buffer.concat([Buffer.from(call), u16(netuid), vector(fields.map(textField))]);
  const extra = [era, compact(nonce), compact(0), Buffer.of(metadataHash === null ? 0 : 1)];
  const payload = Buffer.concat([
    called,
    ...extra,
    u32(specVersion),
    u32(transactionVersion),
    Buffer.from(genesis, 'hex'),
    Buffer.from(blockHash, 'hex'),
    Buffer.from(metadataHash === null ? '00' : `01${metadataHash}`, 'hex'),
  ]);
  const signature = signer.sign(payload.length > 256 ? blake2b256(payload) : payload);
  const signed = Buffer.concat([
    Buffer.of(0x84, 0),
    publicKeyOf(signer.hotkey) ?? Buffer.alloc(0),
    Buffer.of(1),
    Buffer.from(signature, 'hex'),
    ...extra,
    called,
  ]);
  const extrinsic = Buffer.concat([compact(signed.length), signed]).toString('hex');
  return { hotkey: signer.hotkey, extrinsic, covers };
}
