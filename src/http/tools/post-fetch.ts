import { z } from 'zod';
import type { Route } from '../route.ts';
import { type RouteAnswer, type ToolRouteDeps, toolRoute } from './tool-route.ts';

type FetchBody = Readonly<{ url: string; maxChars: number; includeLinks: boolean }>;

export type PostFetchDeps<Caller> = ToolRouteDeps<Caller> &
  Readonly<{ fetch: (caller: Caller, body: FetchBody) => Promise<RouteAnswer> }>;

/** POST /v1/fetch: the text of a public page. */
export function postFetch<Caller>(deps: PostFetchDeps<Caller>): Route {
  return toolRoute(spec, deps, deps.fetch);
}

const Body = z
  .object({
    url: z.string().min(1).max(2_048),
    max_chars: z.int().min(100).max(500_000).default(50_000),
    include_links: z.boolean().default(true),
  })
  .transform(
    ({ url, max_chars, include_links }): FetchBody => ({
      url,
      maxChars: max_chars,
      includeLinks: include_links,
    }),
  );

const spec = {
  path: '/v1/fetch',
  summary: 'Fetch a public page, for a job: title, text and links',
  takes: '`{url, max_chars?, include_links?}`',
  schema: Body,
  maxBytes: 16 * 1024,
  problems: [502],
} as const;
