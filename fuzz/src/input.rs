//! Reads the bytes of an input. Where they end there are zeros, so that every input says something.

/// What is left of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// The whole input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// A yes or a no.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `end`, which is at most 65,536.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_be_bytes(self.array())) % end
    }

    /// A number.
    pub fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    /// So many bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.bytes(N);
        let mut array = [0; N];
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// So many bytes, or those that are left.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    /// What is left, if it is text.
    pub fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.rest()).ok()
    }
}

/// Makes one change: a byte is another, comes twice, or is left out.
pub fn change(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    if bytes.is_empty() {
        return;
    }
    let place = input.below(bytes.len());
    match input.below(3) {
        0 => bytes[place] = input.byte(),
        1 => bytes.insert(place, bytes[place]),
        _ => drop(bytes.remove(place)),
    }
}
