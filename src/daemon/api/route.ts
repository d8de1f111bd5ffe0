export interface ApiRequest {
  readonly body: Buffer;
  readonly query: URLSearchParams;
  /** Aborted when the connection closes, or all has been answered. */
  readonly closed: AbortSignal;
}

export type ApiAnswer =
  | { readonly status: number }
  | {
      readonly status: number;
      readonly json: unknown;
      /** The answer does not end; the connection stays until the other side closes it. */
      readonly open?: boolean;
    }
  | { readonly status: number; readonly text: string };

type Call = (request: ApiRequest) => Promise<ApiAnswer> | ApiAnswer;

export interface Route {
  /** What its query may hold: docs/api.md says the same, and any other one is refused. */
  readonly parameters: readonly string[];
  readonly call: Call;
}

/** The calls by `METHOD /path`. */
export type Api = Readonly<Record<string, Route | undefined>>;
