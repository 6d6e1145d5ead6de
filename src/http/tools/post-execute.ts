import { z } from 'zod';
import type { Route } from '../route.ts';
import { type RouteAnswer, type ToolRouteDeps, toolRoute } from './tool-route.ts';

/** A program with what lies beside it; null where the choice is the service's. */
type ExecuteBody = Readonly<{
  code: string;
  timeoutSeconds: number | null;
  memoryMb: number | null;
  sessionId: string | null;
  attachments: readonly Readonly<{ path: string; bytes: Uint8Array }>[];
}>;

export type PostExecuteDeps<Caller> = ToolRouteDeps<Caller> &
  Readonly<{ execute: (caller: Caller, body: ExecuteBody) => Promise<RouteAnswer> }>;

/** The most that attachments may have, in base64, and a program. */
const MAX_EXECUTE_BYTES = 12 * 1024 * 1024;

/** POST /v1/execute: runs a Python program in isolation. */
export function postExecute<Caller>(deps: PostExecuteDeps<Caller>): Route {
  return toolRoute(spec, deps, deps.execute);
}

/** A name in the working folder, and no way out of it. */
const Filename = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..', 'a plain file name');

const Attachment = z
  .object({ filename: Filename, content_b64: z.base64().max(14_000_000).default('') })
  .transform(({ filename, content_b64 }) => ({
    path: filename,
    bytes: Buffer.from(content_b64, 'base64'),
  }));

const Body = z
  .object({
    code: z.string().min(1).max(65_536),
    timeout_seconds: z.number().gt(0).max(30).nullish(),
    memory_mb: z.int().gt(0).max(1_024).nullish(),
    session_id: z.string().min(1).max(128).nullish(),
    attachments: z.array(Attachment).max(16).nullish(),
  })
  .transform(
    ({ code, timeout_seconds, memory_mb, session_id, attachments }): ExecuteBody => ({
      code,
      timeoutSeconds: timeout_seconds ?? null,
      memoryMb: memory_mb ?? null,
      sessionId: session_id ?? null,
      attachments: attachments ?? [],
    }),
  );

const spec = {
  path: '/v1/execute',
  summary: 'Run a Python program in isolation, for a job',
  takes:
    '`{code, timeout_seconds?, memory_mb?, session_id?, attachments?}`; without network and environment',
  schema: Body,
  maxBytes: MAX_EXECUTE_BYTES,
  problems: [413],
} as const;
