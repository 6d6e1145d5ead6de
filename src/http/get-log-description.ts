import type { LogDescription } from './documents.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetLogDescriptionDeps = Readonly<{ logDescription: () => Promise<LogDescription> }>;

/**
 * GET /log/.well-known/eirel-log.json: whose log this is, and which keys sign for it. A hint: an auditor
 * takes the hotkey from the chain, and the keys from the log's first event, which the hotkey signed.
 */
export function getLogDescription({ logDescription }: GetLogDescriptionDeps): Route {
  return defineRoute(spec, async ({ req, res }) => {
    const text = JSON.stringify(await logDescription());
    sendDocument(req, res, byteDocument(Buffer.from(text), 'brief'));
  });
}

const spec = {
  path: '/log/.well-known/eirel-log.json',
  summary: 'Whose log this is, its keys, its generations and whom it asks to witness it',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'Names and verifier keys as C2SP signed-note writes them',
      contentType: 'application/json',
      schema: 'LogDescription',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [],
} as const;
