import { readdirSync } from 'node:fs';

import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const features = readdirSync(new URL('src/features', import.meta.url));

/** Features never import each other; what two of them need stands in shared. */
const featureZones = features.map((feature) => ({
  target: `./src/features/${feature}`,
  from: './src/features',
  except: [`./${feature}`],
  message: 'Features never import each other: move what both need to shared.',
}));

export default tseslint.config(
  {
    ignores: [
      'dist',
      'node_modules',
      'test-results',
      'playwright-report',
      'src/shared/api/*.gen.ts',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}', 'mock/**/*.ts', 'e2e/**/*.ts', 'screens/**/*.ts'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/order': [
        'error',
        {
          groups: ['builtin', 'external', 'internal', 'parent', 'sibling', 'index'],
          pathGroups: [{ pattern: '@/**', group: 'internal' }],
          'newlines-between': 'always-and-inside-groups',
          alphabetize: { order: 'asc' },
        },
      ],
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...featureZones,
            { target: './src/shared', from: ['./src/features', './src/portal', './src/hmi'] },
            { target: './src/features', from: ['./src/portal', './src/hmi'] },
            { target: './src/portal', from: './src/hmi' },
            { target: './src/hmi', from: './src/portal' },
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.tsx'],
    ...jsxA11y.flatConfigs.strict,
    languageOptions: { ...jsxA11y.flatConfigs.strict.languageOptions, globals: globals.browser },
  },
  { files: ['src/**/*.{ts,tsx}'], ...reactHooks.configs.flat.recommended },
  // Speaks to users of the React Compiler; these apps are built without it.
  { files: ['src/**/*.tsx'], rules: { 'react-hooks/incompatible-library': 'off' } },
  {
    // The operator screen stays small: no component library, no ECharts, nothing that is the portal's alone.
    files: ['src/hmi/**/*.{ts,tsx}', 'src/**/*.hmi.tsx', 'src/shared/**/*.{ts,tsx}'],
    ignores: ['src/shared/**/*.portal.tsx'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['@mantine/*', 'echarts', 'echarts/*', '*.portal'] },
      ],
    },
  },
  { files: ['*.js'], languageOptions: { globals: globals.node } },
);
