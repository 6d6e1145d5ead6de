import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import { type FetchedPage, type FetchPageDeps, fetchPage } from './fetch-page.ts';
import { cutText, readable } from './readable.ts';

export type FetchUrl = Readonly<{ url: string; maxChars: number; includeLinks: boolean }>;

export type FetchUrlDeps = CallToolDeps &
  FetchPageDeps &
  Readonly<{
    quota: number;
    /** In 1e-9 USD, of a page that was fetched, whatever its status. */
    price: number;
  }>;

/** Fetches a page for a job: its title, text and links. */
export function fetchUrl(caller: Caller, asked: FetchUrl, deps: FetchUrlDeps): Promise<ToolAnswer> {
  const { url, maxChars, includeLinks } = asked;
  const { quota, price } = deps;
  const exhausted = (maxRequests: number) => ({
    error: 'url_fetch_quota_exhausted',
    max_requests: maxRequests,
  });
  const call = {
    tool: 'url_fetch',
    args: { url, max_chars: maxChars, include_links: includeLinks },
    perform: async () => performedOf(asked, await fetchPage(url, caller.job, deps), price),
  };
  return callTool(caller, call, { quota, price, exhausted }, deps);
}

function performedOf(asked: FetchUrl, page: FetchedPage, price: number): Performed {
  switch (page.kind) {
    case 'page':
      return fetched(asked, page, price);
    case 'blocked':
      return failed(400, { error: 'ssrf_blocked', reason: page.reason });
    case 'limited':
      return failed(429, { error: 'per_host_rate_limit_exceeded', host: page.host });
    case 'failed':
      return failed(502, { error: 'fetch_failed', reason: page.reason });
  }
}

function fetched(
  { url, maxChars, includeLinks }: FetchUrl,
  page: Extract<FetchedPage, { kind: 'page' }>,
  price: number,
): Performed {
  const { finalUrl, status, contentType, body, truncated } = page;
  const { title, text, links } = readable(page);
  const result = {
    final_url: finalUrl,
    status_code: status,
    bytes_read: body.length,
    content_type: contentType,
  };
  return {
    status: 200,
    body: {
      url,
      final_url: finalUrl,
      title,
      content: cutText(text, maxChars),
      links: includeLinks ? links : [],
      status_code: status,
      content_type: contentType,
      bytes_read: body.length,
      truncated,
    },
    result,
    cost: price,
    error: status < 400 ? null : `status ${status}`,
  };
}

function failed(
  status: number,
  detail: Readonly<{ error: string; [more: string]: string }>,
): Performed {
  return { status, body: { detail }, result: {}, cost: 0, error: detail.error };
}
