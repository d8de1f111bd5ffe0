export interface ApiRequest {
  readonly body: Buffer;
  readonly query: URLSearchParams;
  /** Aborted when the connection closes or the answer is complete. */
  readonly closed: AbortSignal;
}

export type ApiAnswer =
  | { readonly status: number }
  | {
      readonly status: number;
      readonly json: unknown;
      /** Do not end the answer: the connection stays open until the client closes it. */
      readonly open?: boolean;
    }
  | { readonly status: number; readonly text: string };

type Call = (request: ApiRequest) => Promise<ApiAnswer> | ApiAnswer;

export interface Route {
  /** The accepted query parameters, also listed in docs/api.md; any other is refused. */
  readonly parameters: readonly string[];
  readonly call: Call;
}

/** Routes by `METHOD /path`. */
export type Api = Readonly<Record<string, Route | undefined>>;
