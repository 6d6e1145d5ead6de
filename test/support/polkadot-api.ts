import { ApiPromise, WsProvider } from '@polkadot/api/cjs/index';
import type { SubmittableExtrinsic } from '@polkadot/api/cjs/types/index';
import type { ProviderInterface } from '@polkadot/rpc-provider/cjs/types';
import type { Signer } from '#src/consensus/keys.ts';

/** What polkadot.js has to be told of a subtensor's signed extensions: that they carry no bytes. */
const SIGNED_EXTENSIONS = Object.fromEntries(
  ['SubtensorTransactionExtension', 'DrandPriority'].map((name) => [
    name,
    { extrinsic: {}, payload: {} },
  ]),
);

/** A genuine polkadot.js client over WebSocket. */
export async function connectApi(url: string): Promise<ApiPromise & AsyncDisposable> {
  const provider = new WsProvider(url, false);
  const api = new ApiPromise({
    // safe: its own provider fits but for how it writes absent properties
    provider: provider as ProviderInterface,
    signedExtensions: SIGNED_EXTENSIONS,
  });
  await provider.connect();
  await api.isReadyOrError;
  return Object.assign(api, { [Symbol.asyncDispose]: () => api.disconnect() });
}

export type Tx = SubmittableExtrinsic<'promise'>;

/** Signs with a hotkey, as the adapter's keys do, and gives the extrinsic's bytes. */
export async function signed(
  tx: Tx,
  signer: Signer,
  options: Parameters<Tx['signAsync']>[1] = {},
): Promise<`0x${string}`> {
  await tx.signAsync(signer.hotkey, {
    ...options,
    signer: {
      signRaw: ({ data }) => {
        const signature = signer.sign(Buffer.from(data.slice(2), 'hex'));
        // 01 is sr25519 in `MultiSignature`.
        return Promise.resolve({ id: 1, signature: `0x01${signature}` });
      },
    },
  });
  return tx.toHex();
}
