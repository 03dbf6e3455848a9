/** Version of these screens, from package.json. */
declare const __VERSION__: string;
