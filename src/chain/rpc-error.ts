import coder from '@polkadot/rpc-provider/cjs/coder/error';

/** What polkadot.js makes of a node's answer that is an error: the node's own code and message. */
export const RpcError = coder.default;
