import { describe, expect, it } from 'vitest'
import { parseAnsi, splitMessage, styleAfter } from './ansi'

const ESC = '\x1b'

describe('parseAnsi', () => {
  it('leaves a plain line as one part', () => {
    expect(parseAnsi('just <b>text</b>')).toEqual([{ text: 'just <b>text</b>', style: {} }])
  })

  it('reads the 16 colours and ends them at a reset', () => {
    expect(parseAnsi(`a ${ESC}[31mred${ESC}[0m ${ESC}[92;44mbright${ESC}[m z`)).toEqual([
      { text: 'a ', style: {} },
      { text: 'red', style: { fg: 1 } },
      { text: ' ', style: {} },
      { text: 'bright', style: { fg: 10, bg: 4 } },
      { text: ' z', style: {} },
    ])
  })

  it.each([
    ['38;5;9', { fg: 9 }],
    ['38;5;196', { fg: 'rgb(255,0,0)' }],
    ['48;5;244', { bg: 'rgb(128,128,128)' }],
    ['38;2;1;2;3', { fg: 'rgb(1,2,3)' }],
    ['38;2;1;2;3;1', { fg: 'rgb(1,2,3)', bold: true }],
    ['1;2;3;4;7', { bold: true, dim: true, italic: true, underline: true, inverse: true }],
    ['1;22;4;24;3;23;7;27;31;39;41;49', {}],
    ['38;2;999;0;0', {}],
    ['38;5;300', {}],
    ['38', {}],
    ['999', {}],
  ])('reads %s', (codes, style) => {
    expect(parseAnsi(`${ESC}[${codes}mx`)).toEqual([{ text: 'x', style }])
  })

  it('leaves out every other escape and control character', () => {
    const line = `${ESC}[2K${ESC}[1Ga${ESC}]8;;javascript:alert(1)${ESC}\\b\x07\x00c${ESC}(B`
    expect(
      parseAnsi(line)
        .map(part => part.text)
        .join(''),
    ).toBe('abc(B')
  })
})

describe('splitMessage', () => {
  it('makes a line of each, without an empty one for the last newline', () => {
    expect(splitMessage('one\ntwo\r\nthree\n')).toEqual(['one', 'two', 'three'])
    expect(splitMessage('')).toEqual([''])
  })

  it('keeps what a terminal would show after a carriage return', () => {
    expect(splitMessage('10 %\r50 %\r100 %')).toEqual(['100 %'])
    expect(splitMessage('done\r')).toEqual(['done'])
  })

  it('says what a line leaves open for the next, until its reset', () => {
    const open = styleAfter(`${ESC}[31mone`, {})
    expect(parseAnsi('two', open)).toEqual([{ text: 'two', style: { fg: 1 } }])
    expect(styleAfter(`two${ESC}[0m`, open)).toEqual({})
    expect(styleAfter(`${ESC}[1mtwo`, open)).toEqual({ fg: 1, bold: true })
  })
})
