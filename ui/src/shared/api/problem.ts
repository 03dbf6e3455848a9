/** A refusal of the server (problem+json), or its absence (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly retryAfter_s: number | null = null,
    readonly requestId: string | null = null,
    /** A URN of the kind of problem, where the server tells kinds apart. */
    readonly kind: string | null = null,
  ) {
    super(detail === '' ? title : `${title}: ${detail}`);
    this.name = 'ApiError';
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

interface ProblemBody {
  type?: unknown;
  title?: unknown;
  detail?: unknown;
}

/** Reads problem+json; a body of another form still gives a usable error. */
export async function errorFrom(response: Response): Promise<ApiError> {
  const body = await readBody(response);
  return new ApiError(
    response.status,
    asText(body.title) ?? (response.statusText || `HTTP ${response.status}`),
    asText(body.detail) ?? '',
    retryAfter(response.headers.get('Retry-After')),
    response.headers.get('X-Request-Id'),
    asText(body.type),
  );
}

async function readBody(response: Response): Promise<ProblemBody> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {}; // Not JSON: the status alone tells.
  }
}

const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function retryAfter(header: string | null): number | null {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) ? seconds : null;
}
