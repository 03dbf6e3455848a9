import { Card, createTheme, type CSSVariablesResolver } from '@mantine/core';

/** Mantine with the product's type, radius and one accent. */
export const theme = createTheme({
  fontFamily: 'Inter Variable, system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, Menlo, Consolas, monospace',
  defaultRadius: 8,
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 5 },
  colors: {
    accent: [
      '#eef4ff',
      '#dbe6fb',
      '#b5cbf5',
      '#8caef0',
      '#6995ec',
      '#4f82e0',
      '#2f62c8',
      '#2754b0',
      '#1f4794',
      '#173873',
    ],
  },
  headings: { fontWeight: '600' },
  components: { Card: Card.extend({ defaultProps: { padding: 16, radius: 8 } }) },
});

/** Grounds and text come from the shared tokens, so that Mantine's parts and our own agree. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--table-border-color': 'var(--line)',
  };
  return {
    variables: {},
    light: shared,
    dark: { ...shared, '--mantine-color-default': 'var(--surface-2)' },
  };
};
