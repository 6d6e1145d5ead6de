import { z } from 'zod';
import { AppError } from '../errors.ts';
import { createBulkGate } from './bulk-gate.ts';
import { answerBusy } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { type ByteDocument, byteDocument, sendDocument } from './signed-bytes.ts';

export type GetAuditPageDeps = Readonly<{
  /** The bytes of a file of the built audit page; null where it was not built. */
  auditPage: (file: string) => Promise<Uint8Array | null>;
}>;

/**
 * GET /audit and what belongs to it: a page that verifies a published log in the reader's browser, this one's or
 * another's. It may load nothing from elsewhere, and read logs from everywhere.
 */
export function getAuditPage({ auditPage }: GetAuditPageDeps): readonly Route[] {
  const gate = createBulkGate();
  /** Read once: after a new build, the files of one process still belong together. */
  const read = new Map<string, ByteDocument>();
  return files.map(({ path, file, ...rest }) =>
    defineRoute(specOf({ path, ...rest }), async ({ req, res }) => {
      const document =
        read.get(file) ?? pageDocument(path, rest.contentType, await auditPage(file));
      read.set(file, document);
      if (!gate.enter(res, document.bytes.length)) return answerBusy(req, res);
      sendDocument(req, res, document);
    }),
  );
}

/** The page reads its query itself: it audits the log at this address at once. */
const PageQuery = z.strictObject({ log: z.string().max(2_048).optional() });

const files = [
  {
    path: '/audit',
    file: 'index.html',
    contentType: 'text/html; charset=utf-8',
    summary: 'A page that verifies a published log in the browser',
    query: PageQuery,
  },
  {
    path: '/audit/audit.css',
    file: 'audit.css',
    contentType: 'text/css; charset=utf-8',
    summary: 'How that page looks',
    query: NoParams,
  },
  {
    path: '/audit/audit.js',
    file: 'audit.js',
    contentType: 'text/javascript; charset=utf-8',
    summary: 'What that page does',
    query: NoParams,
  },
  {
    path: '/audit/verifier.js',
    file: 'verifier.js',
    contentType: 'text/javascript; charset=utf-8',
    summary: 'The auditor of the command line, as that page runs it',
    query: NoParams,
  },
] as const;

/**
 * Only what this server serves runs, and nothing is sent anywhere but requests for logs. `wasm-unsafe-eval` lets
 * WebAssembly be compiled, which is how sr25519 is verified; it allows no evaluation of text.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  'connect-src *',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const pageHeaders = ['Content-Security-Policy', POLICY, 'Referrer-Policy', 'no-referrer'];

function pageDocument(path: string, contentType: string, bytes: Uint8Array | null): ByteDocument {
  if (bytes === null) {
    throw new AppError('request.not-found', {
      field: 'path',
      value: path,
      reason: 'not-built',
      detail: 'The audit page is not built here: run "node scripts/setup.mjs", then ask again.',
    });
  }
  const document = byteDocument(bytes, 'revalidate', contentType);
  return { ...document, headers: [...document.headers, ...pageHeaders] };
}

type PageFile = Omit<(typeof files)[number], 'file'>;

function specOf({ path, summary, query, contentType }: PageFile) {
  return {
    path,
    summary,
    params: NoParams,
    query,
    answers: [
      {
        status: 200,
        description: 'A file of the audit page',
        contentType: contentType.split(';', 1)[0] ?? contentType,
        schema: null,
        headers: { ETag: 'SHA-256 of the bytes' },
      },
    ],
    problems: [404],
  } as const;
}
