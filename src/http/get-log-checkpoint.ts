import { notPublished, type PublishedLogDeps } from './published-log.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

/** GET /log/checkpoint: the newest checkpoint of this validator's log, with every signature that it has (C2SP tlog-tiles). */
export function getLogCheckpoint({ publishedLog }: PublishedLogDeps): Route {
  return defineRoute(spec, ({ req, res }) => {
    const checkpoint = publishedLog.checkpoint();
    if (checkpoint === null) throw notPublished('path', spec.path, null);
    sendDocument(req, res, byteDocument(checkpoint.note, 'revalidate', NOTE_TYPE));
  });
}

/** The media type of signed notes and of what is made of them. */
export const NOTE_TYPE = 'text/plain; charset=utf-8';

const spec = {
  path: '/log/checkpoint',
  summary: 'The newest checkpoint of the log: a signed note',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description:
        'C2SP tlog-checkpoint, with the log key’s, the hotkey’s and witnesses’ signatures',
      contentType: 'text/plain',
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
