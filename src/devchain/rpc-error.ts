/** The error of a JSON-RPC answer. */
export type RpcError = Readonly<{ code: number; message: string; data?: string }>;

/** Errors of JSON-RPC 2.0 itself. */
export const protocolError = {
  parse: (): RpcError => ({ code: -32_700, message: 'Parse error' }),
  invalidRequest: (detail: string): RpcError => ({
    code: -32_600,
    message: 'Invalid request',
    data: detail,
  }),
  unknownMethod: (): RpcError => ({ code: -32_601, message: 'Method not found' }),
  invalidParams: (detail: string): RpcError => ({
    code: -32_602,
    message: 'Invalid params',
    data: detail,
  }),
  internal: (detail: string): RpcError => ({
    code: -32_603,
    message: 'Internal error',
    data: detail,
  }),
  tooMany: (what: string): RpcError => ({ code: -32_006, message: `Too many ${what}` }),
};

/** Why a block or its state can't be read, with Substrate's code and words. */
export const stateError = {
  unknown: (hash: string): RpcError => ({
    code: 4_003,
    message: `Client error: UnknownBlock: Header was not found in the database: 0x${hash}`,
  }),
  discarded: (hash: string): RpcError => ({
    code: 4_003,
    message: `Client error: UnknownBlock: State already discarded for 0x${hash}`,
  }),
  failed: (detail: string): RpcError => ({
    code: 4_003,
    message: `Client error: Execution failed: ${detail}`,
  }),
  pageTooLong: (count: number, limit: number): RpcError => ({
    code: 4_002,
    message: `count exceeds maximum value. value: ${count}, max: ${limit}`,
  }),
};

/** Why the pool takes no extrinsic, with Substrate's codes and words. */
export const refusal = {
  badFormat: (detail: string): RpcError => ({
    code: 1_001,
    message: `Extrinsic has invalid format: ${detail}`,
  }),
  invalid: (reason: string): RpcError => ({
    code: 1_010,
    message: 'Invalid Transaction',
    data: reason,
  }),
  alreadyImported: (): RpcError => ({ code: 1_013, message: 'Transaction Already Imported' }),
  tooLowPriority: (): RpcError => ({
    code: 1_014,
    message: 'Priority is too low: (0 vs 0)',
    data: 'The transaction has too low priority to replace another transaction already in the pool.',
  }),
  poolFull: (): RpcError => ({
    code: 1_016,
    message: 'Immediately Dropped',
    data: "The transaction couldn't enter the pool because of the limit",
  }),
};
