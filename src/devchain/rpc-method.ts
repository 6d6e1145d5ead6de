import { z } from 'zod';
import { protocolError, type RpcError } from './rpc-error.ts';

/** What a call comes to. `start` runs after the answer is on its way: a subscription starts with it. */
export type Reply =
  | { readonly result: unknown; readonly start?: () => void }
  | { readonly error: RpcError };

/** The connection that a call came over. */
export type Client = Readonly<{
  notify: (method: string, subscription: string, result: unknown) => void;
  /** What ends each subscription, by id. */
  subscriptions: Map<string, () => void>;
}>;

/** A JSON-RPC method. Its parameters are attacker-controlled, and parsed by it. */
export type Method = (params: unknown, client: Client) => Reply | Promise<Reply>;

/** A method from the schema of its parameters, which is the whole of its validation, and its body. */
export function method<Schema extends z.ZodType>(
  schema: Schema,
  run: (params: z.infer<Schema>, client: Client) => Reply | Promise<Reply>,
): Method {
  return (params, client) => {
    const parsed = schema.safeParse(params);
    return parsed.success
      ? run(parsed.data, client)
      : { error: protocolError.invalidParams(z.prettifyError(parsed.error)) };
  };
}

/** 32 bytes as a client writes them; without the prefix from here on. */
export const Hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'a hash of 0x and 64 hex digits')
  .transform((text) => text.slice(2).toLowerCase());

/** Any bytes as a client writes them. How many is limited by the message. */
export const Hex = z.string().regex(/^0x([0-9a-fA-F]{2})*$/, 'bytes in hex, 0x first');

/** Block numbers come as numbers or in hex. */
export const BlockNumber = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^0x[0-9a-fA-F]{1,8}$/, 'a block number')
    .transform(Number),
]);
