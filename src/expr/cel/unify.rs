//! What the unknown types of an expression turn out to be.

use super::types::Type;

/// How many parts a type may have, and how deep they may be; beyond that nothing is known of it.
const MOST_PARTS: usize = 500;

/// What is known of types that were not known at first.
#[derive(Default)]
pub struct Unifier {
    bound: Vec<Option<Type>>,
    /// What was there before, for going back.
    log: Vec<(usize, Option<Type>)>,
}

impl Unifier {
    /// A type that is not known yet.
    pub fn fresh(&mut self) -> Type {
        self.bound.push(None);
        Type::Param(self.bound.len() - 1)
    }

    /// Whether values of one type may be where another is wanted; if so, what follows for unknown types holds from
    /// now on.
    pub fn assign(&mut self, given: &[Type], wanted: &[Type]) -> bool {
        self.log.clear();
        let fits =
            given.len() == wanted.len() && given.iter().zip(wanted).all(|(given, wanted)| self.fits(given, wanted));
        if !fits {
            while let Some((param, before)) = self.log.pop() {
                self.bound[param] = before;
            }
        }
        fits
    }

    /// The type with what is known filled in.
    pub fn known(&self, ty: &Type) -> Type {
        let mut left = MOST_PARTS;
        self.filled(ty, &mut left)
    }

    /// The same, where nothing will be known later either.
    pub fn settled(&self, ty: &Type) -> Type {
        fn settle(ty: &Type) -> Type {
            match ty {
                Type::Param(_) => Type::Dyn,
                other => other.with(&mut settle),
            }
        }
        settle(&self.known(ty))
    }

    fn filled(&self, ty: &Type, left: &mut usize) -> Type {
        if *left == 0 {
            return Type::Dyn;
        }
        *left -= 1;
        let mut ty = ty;
        while let Type::Param(param) = ty {
            match self.bound.get(*param) {
                Some(Some(found)) => ty = found,
                _ => return ty.clone(),
            }
        }
        ty.with(&mut |part| self.filled(part, left))
    }

    fn bind(&mut self, param: usize, ty: Type) {
        let before = self.bound[param].replace(ty);
        self.log.push((param, before));
    }

    fn fits(&mut self, given: &Type, wanted: &Type) -> bool {
        if let Type::Param(param) = wanted {
            match self.substitutes(given, *param) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Param(param) = given {
            return self.substitutes(wanted, *param).0;
        }
        if given.is_any() || wanted.is_any() {
            return true;
        }
        match (given, wanted) {
            (Type::Null, other) | (other, Type::Null) => other.is_nullable(),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.fits(a, b),
            (Type::Map(k, v), Type::Map(wk, wv)) => self.fits(k, wk) && self.fits(v, wv),
            _ => given == wanted,
        }
    }

    /// Whether a type may be what an unknown one is, and whether anything was known of that before.
    fn substitutes(&mut self, ty: &Type, param: usize) -> (bool, bool) {
        if *ty == Type::Param(param) {
            return (true, true);
        }
        let Some(before) = self.bound[param].clone() else {
            if self.is_in(param, ty) {
                return (false, false);
            }
            self.bind(param, ty.clone());
            return (true, false);
        };
        if *ty == before {
            return (true, true);
        }
        if !self.fits(ty, &before) {
            return (false, true);
        }
        let general = if ty.is_less_specific(&before) { ty.clone() } else { before };
        if !self.is_in(param, &general) {
            self.bind(param, general);
        }
        (true, true)
    }

    /// Whether an unknown type is a part of a type.
    fn is_in(&self, param: usize, ty: &Type) -> bool {
        let mut left = MOST_PARTS;
        let mut open = vec![ty];
        while let Some(ty) = open.pop() {
            if left == 0 {
                return true;
            }
            left -= 1;
            match ty {
                Type::Param(other) if *other == param => return true,
                Type::Param(other) => open.extend(self.bound[*other].as_ref()),
                other => open.extend(other.parts()),
            }
        }
        false
    }
}
