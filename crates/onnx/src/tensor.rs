//! The values of a tensor, whichever of its fields they stand in.
//!
//! ONNX stores values as little-endian bytes in `raw_data`, as numbers in one of five typed fields,
//! or in another file. [`Model::read`](crate::Model::read) brings the last kind in; the functions
//! here read all others, and check the number of values against the dimensions first.

use std::borrow::Cow;

use buffa::Enumeration as _;
use buffa::bytes::Bytes;
use half::{bf16, f16};

use crate::proto::TensorProto;
use crate::proto::tensor_proto::DataLocation;
use crate::{DataType, TensorError, TensorProblem};

impl DataType {
    /// Returns the type that `TensorProto.data_type` calls by this number.
    #[must_use]
    pub fn of_code(code: i32) -> Option<Self> {
        Self::from_i32(code)
    }

    /// Returns the bits of one element, `None` for strings, whose length varies.
    #[must_use]
    pub fn bits(self) -> Option<usize> {
        match self {
            Self::UNDEFINED | Self::STRING => None,
            Self::UINT2 | Self::INT2 => Some(2),
            Self::UINT4 | Self::INT4 | Self::FLOAT4E2M1 => Some(4),
            Self::FLOAT6E2M3 | Self::FLOAT6E3M2 => Some(6),
            Self::UINT8 | Self::INT8 | Self::BOOL => Some(8),
            Self::FLOAT8E4M3FN | Self::FLOAT8E4M3FNUZ => Some(8),
            Self::FLOAT8E5M2 | Self::FLOAT8E5M2FNUZ | Self::FLOAT8E8M0 => Some(8),
            Self::UINT16 | Self::INT16 | Self::FLOAT16 | Self::BFLOAT16 => Some(16),
            Self::FLOAT | Self::INT32 | Self::UINT32 => Some(32),
            Self::DOUBLE | Self::INT64 | Self::UINT64 | Self::COMPLEX64 => Some(64),
            Self::COMPLEX128 => Some(128),
        }
    }
}

impl TensorProto {
    /// Returns the tensor's name, empty when it has none.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Returns the element type.
    ///
    /// # Errors
    ///
    /// When it is missing or not one of ONNX's.
    pub fn dtype(&self) -> Result<DataType, TensorError> {
        let data_type = self.data_type.unwrap_or(0);
        DataType::from_i32(data_type)
            .filter(|&dtype| dtype != DataType::UNDEFINED)
            .ok_or_else(|| self.error(TensorProblem::DataType { data_type }))
    }

    /// Returns the dimensions, none for a scalar.
    ///
    /// # Errors
    ///
    /// When one is negative.
    pub fn shape(&self) -> Result<Vec<usize>, TensorError> {
        let size = |(axis, &dim): (usize, &i64)| {
            usize::try_from(dim).map_err(|_| self.error(TensorProblem::NegativeDim { axis, dim }))
        };
        self.dims.iter().enumerate().map(size).collect()
    }

    /// Returns the number of elements, 1 for a scalar.
    ///
    /// # Errors
    ///
    /// When a dimension is negative or their product overflows.
    pub fn n_elements(&self) -> Result<usize, TensorError> {
        let shape = self.shape()?;
        if shape.contains(&0) {
            return Ok(0);
        }
        shape.into_iter().try_fold(1_usize, usize::checked_mul).ok_or_else(|| self.overflow())
    }

    /// Returns the bytes that the elements take in `raw_data`; 4-bit elements share bytes.
    ///
    /// # Errors
    ///
    /// When dimensions or type are bad, or the type is STRING.
    pub fn n_bytes(&self) -> Result<usize, TensorError> {
        let dtype = self.dtype()?;
        let bits = dtype.bits().ok_or_else(|| self.kind_error(dtype, "numbers"))?;
        let n_bits = self.n_elements()?.checked_mul(bits).ok_or_else(|| self.overflow())?;
        Ok(n_bits.div_ceil(8))
    }

    /// Returns the values as floats: FLOAT as it is; FLOAT16, BFLOAT16 and DOUBLE converted, to the nearest finite number
    /// where there is a finite one: the ends of 64 bits, which masks are made of, become those of 32.
    ///
    /// # Errors
    ///
    /// When the tensor holds another type, or its values cannot be had.
    pub fn to_f32(&self) -> Result<Cow<'_, [f32]>, TensorError> {
        let dtype = self.dtype()?;
        if dtype == DataType::FLOAT && !self.float_data.is_empty() {
            self.check_storage(dtype)?;
            self.check_size(dtype, self.float_data.len().saturating_mul(4))?;
            return Ok(Cow::Borrowed(&self.float_data));
        }
        let values = match dtype {
            DataType::FLOAT => decode(&self.to_le_bytes()?, f32::from_le_bytes),
            DataType::FLOAT16 => decode(&self.to_le_bytes()?, |b| f16::from_le_bytes(b).to_f32()),
            DataType::BFLOAT16 => decode(&self.to_le_bytes()?, |b| bf16::from_le_bytes(b).to_f32()),
            DataType::DOUBLE => decode(&self.to_le_bytes()?, |b| narrowed(f64::from_le_bytes(b))),
            _ => return Err(self.kind_error(dtype, "floats")),
        };
        Ok(Cow::Owned(values))
    }

    /// Returns the values as whole numbers: signed and unsigned types of 8 to 64 bits, and BOOL.
    ///
    /// # Errors
    ///
    /// When the tensor holds another type, a UINT64 beyond `i64`, or its values cannot be had.
    pub fn to_i64(&self) -> Result<Cow<'_, [i64]>, TensorError> {
        let dtype = self.dtype()?;
        if dtype == DataType::INT64 && !self.int64_data.is_empty() {
            self.check_storage(dtype)?;
            self.check_size(dtype, self.int64_data.len().saturating_mul(8))?;
            return Ok(Cow::Borrowed(&self.int64_data));
        }
        let values = match dtype {
            DataType::INT64 => decode(&self.to_le_bytes()?, i64::from_le_bytes),
            DataType::INT32 => decode(&self.to_le_bytes()?, |b| i32::from_le_bytes(b).into()),
            DataType::INT16 => decode(&self.to_le_bytes()?, |b| i16::from_le_bytes(b).into()),
            DataType::INT8 => decode(&self.to_le_bytes()?, |b| i8::from_le_bytes(b).into()),
            DataType::UINT32 => decode(&self.to_le_bytes()?, |b| u32::from_le_bytes(b).into()),
            DataType::UINT16 => decode(&self.to_le_bytes()?, |b| u16::from_le_bytes(b).into()),
            DataType::UINT8 => decode(&self.to_le_bytes()?, |b| u8::from_le_bytes(b).into()),
            DataType::BOOL => decode(&self.to_le_bytes()?, |[b]: [u8; 1]| (b != 0).into()),
            DataType::UINT64 => {
                let wide = decode(&self.to_le_bytes()?, u64::from_le_bytes);
                let narrow = |(index, value): (usize, u64)| {
                    i64::try_from(value).map_err(|_| {
                        self.error(TensorProblem::OutOfRange {
                            dtype: DataType::INT64,
                            index,
                            value: value.into(),
                        })
                    })
                };
                wide.into_iter().enumerate().map(narrow).collect::<Result<_, _>>()?
            }
            _ => return Err(self.kind_error(dtype, "whole numbers")),
        };
        Ok(Cow::Owned(values))
    }

    /// Returns the strings of a STRING tensor.
    ///
    /// # Errors
    ///
    /// When the tensor holds another type or another number of strings than its dimensions ask for.
    pub fn to_strings(&self) -> Result<&[Bytes], TensorError> {
        let dtype = self.dtype()?;
        if dtype != DataType::STRING {
            return Err(self.kind_error(dtype, "strings"));
        }
        self.check_storage(dtype)?;
        let expected = self.n_elements()?;
        if self.string_data.len() != expected {
            let (dims, found) = (self.dims.clone(), self.string_data.len());
            return Err(self.error(TensorProblem::Count { dims, expected, found }));
        }
        Ok(&self.string_data)
    }

    /// Returns the values as they would stand in `raw_data`, without a copy when they do.
    ///
    /// # Errors
    ///
    /// When dimensions, type and number of values do not agree, or the values were not read.
    pub fn to_le_bytes(&self) -> Result<Bytes, TensorError> {
        let dtype = self.dtype()?;
        self.check_storage(dtype)?;
        if let Some(raw) = self.raw() {
            self.check_size(dtype, raw.len())?;
            return Ok(raw.clone());
        }
        match Field::of(dtype) {
            Field::Float => self.encode(dtype, &self.float_data, f32::to_le_bytes),
            Field::Double => self.encode(dtype, &self.double_data, f64::to_le_bytes),
            Field::Int64 => self.encode(dtype, &self.int64_data, i64::to_le_bytes),
            Field::Uint64 if dtype == DataType::UINT64 => {
                self.encode(dtype, &self.uint64_data, u64::to_le_bytes)
            }
            Field::Uint64 => self.encode_narrow(dtype, &self.uint64_data),
            Field::Int32 if dtype.bits() == Some(6) => self.encode_six(dtype),
            Field::Int32 => self.encode_narrow(dtype, &self.int32_data),
            Field::String => Err(self.kind_error(dtype, "numbers")),
        }
    }

    /// Checks that dimensions, type and values go together.
    ///
    /// # Errors
    ///
    /// When they do not, or the values were not read.
    pub fn check(&self) -> Result<(), TensorError> {
        if self.dtype()? == DataType::STRING {
            return self.to_strings().map(|_| ());
        }
        self.to_le_bytes().map(|_| ())
    }

    /// Whether the values lie in another file and were not read.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.data_location == Some(DataLocation::EXTERNAL)
    }
}

/// The typed field that ONNX keeps a type's values in when they are not in `raw_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Float,
    Int32,
    Int64,
    Double,
    Uint64,
    String,
}

impl Field {
    fn of(dtype: DataType) -> Self {
        match dtype {
            DataType::FLOAT | DataType::COMPLEX64 => Self::Float,
            DataType::DOUBLE | DataType::COMPLEX128 => Self::Double,
            DataType::INT64 => Self::Int64,
            DataType::UINT32 | DataType::UINT64 => Self::Uint64,
            DataType::STRING | DataType::UNDEFINED => Self::String,
            _ => Self::Int32,
        }
    }
}

impl TensorProto {
    pub(crate) fn error(&self, problem: TensorProblem) -> TensorError {
        TensorError { tensor: self.label().to_owned(), problem }
    }

    /// The bytes in `raw_data`; writers that fill a typed field may leave it empty but present.
    fn raw(&self) -> Option<&Bytes> {
        let typed = self.float_data.len()
            + self.int32_data.len()
            + self.int64_data.len()
            + self.double_data.len()
            + self.uint64_data.len();
        self.raw_data.as_ref().filter(|raw| !raw.is_empty() || typed == 0)
    }

    /// Checks that the values were read and stand in one field, the right one.
    fn check_storage(&self, dtype: DataType) -> Result<(), TensorError> {
        if self.is_external() {
            let location = self.external_data.iter().find(|e| e.key.as_deref() == Some("location"));
            let location = location.and_then(|entry| entry.value.clone()).unwrap_or_default();
            return Err(self.error(TensorProblem::NotLoaded { location }));
        }
        if self.segment.is_set() {
            return Err(self.error(TensorProblem::Segmented));
        }
        let right = self.raw().is_none().then(|| Field::of(dtype));
        let fields = [
            (Field::Float, "float_data", self.float_data.is_empty()),
            (Field::Int32, "int32_data", self.int32_data.is_empty()),
            (Field::Int64, "int64_data", self.int64_data.is_empty()),
            (Field::Double, "double_data", self.double_data.is_empty()),
            (Field::Uint64, "uint64_data", self.uint64_data.is_empty()),
            (Field::String, "string_data", self.string_data.is_empty()),
        ];
        for (field, name, is_empty) in fields {
            if !is_empty && right != Some(field) {
                return Err(self.error(TensorProblem::Storage { dtype, field: name }));
            }
        }
        Ok(())
    }

    fn check_size(&self, dtype: DataType, found: usize) -> Result<(), TensorError> {
        let expected = self.n_bytes()?;
        if found == expected {
            return Ok(());
        }
        Err(self.error(TensorProblem::Size { dims: self.dims.clone(), dtype, expected, found }))
    }

    fn encode<T: Copy, const N: usize>(
        &self,
        dtype: DataType,
        values: &[T],
        to_le: impl Fn(T) -> [u8; N],
    ) -> Result<Bytes, TensorError> {
        self.check_size(dtype, values.len().saturating_mul(N))?;
        Ok(values.iter().flat_map(|&value| to_le(value)).collect())
    }

    /// Packs values from a field wider than their type: the low bytes, when the rest says nothing.
    /// Floats of 16 and 8 bits stand there as their bits, two 4-bit values as one byte.
    fn encode_narrow<T: Copy + Into<i128>>(
        &self,
        dtype: DataType,
        values: &[T],
    ) -> Result<Bytes, TensorError> {
        let bits = dtype.bits().unwrap_or(0).max(8);
        self.check_size(dtype, values.len().saturating_mul(bits / 8))?;
        let fits = -(1_i128 << (bits - 1))..1_i128 << bits;
        let mut bytes = Vec::with_capacity(values.len() * (bits / 8));
        for (index, &value) in values.iter().enumerate() {
            let value = value.into();
            if !fits.contains(&value) {
                return Err(self.error(TensorProblem::OutOfRange { dtype, index, value }));
            }
            bytes.extend_from_slice(&value.to_le_bytes()[..bits / 8]);
        }
        Ok(bytes.into())
    }

    /// Packs the 6-bit floats, which stand one in a number but four in three bytes.
    fn encode_six(&self, dtype: DataType) -> Result<Bytes, TensorError> {
        self.check_size(dtype, (self.int32_data.len().saturating_mul(6)).div_ceil(8))?;
        let mut packed = vec![0_u8; self.n_bytes()?];
        for (index, &value) in self.int32_data.iter().enumerate() {
            let Some(bits) = u16::try_from(value).ok().filter(|&bits| bits < 64) else {
                let value = value.into();
                return Err(self.error(TensorProblem::OutOfRange { dtype, index, value }));
            };
            let [low, high] = (bits << (index * 6 % 8)).to_le_bytes();
            packed[index * 6 / 8] |= low;
            if high != 0 {
                packed[index * 6 / 8 + 1] |= high;
            }
        }
        Ok(packed.into())
    }

    fn kind_error(&self, dtype: DataType, wanted: &'static str) -> TensorError {
        self.error(TensorProblem::Kind { dtype, wanted })
    }

    fn overflow(&self) -> TensorError {
        self.error(TensorProblem::Overflow { dims: self.dims.clone() })
    }
}

/// The nearest number of 32 bits, a finite one to a finite one.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
fn narrowed(value: f64) -> f32 {
    if value.is_infinite() {
        return value as f32;
    }
    value.clamp(f32::MIN.into(), f32::MAX.into()) as f32
}

/// Decodes `bytes`, a whole number of elements of `N` bytes each.
fn decode<T, const N: usize>(bytes: &[u8], from_le: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| from_le(chunk)).collect()
}
